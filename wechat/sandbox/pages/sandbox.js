"use strict";
/* The recipients' phones, the faults and the calls; asks for what is new once a second. Data enters as text only. */

const byId = (id) => document.getElementById(id);
const MODES = { safe: "安全", compat: "兼容", plain: "明文" };
const FAULTS = [
  ["应答变慢（3 秒）", "any", "slow"],
  ["不应答（超时）", "pathnotify", "timeout"],
  ["办成了但应答丢失", "pathnotify", "answer_lost"],
  ["连接被重置", "any", "reset"],
  ["HTTP 500", "any", "http_500"],
  ["应答是乱码", "any", "garbage"],
  ["反查来两次", "pathnotify", "duplicate_back_query"],
  ["不反查", "pathnotify", "no_back_query"],
  ["系统繁忙", "any", "errcode", -1],
  ["令牌无效", "pathnotify", "errcode", 40001],
  ["令牌过期", "pathnotify", "errcode", 42001],
  ["IP 不在白名单", "stable_token", "errcode", 40164, "令牌续期时才出现；要马上看到，请让当前令牌过期"],
  ["当日额度用完", "pathnotify", "errcode", 45009],
  ["每分钟超限", "pathnotify", "errcode", 45011],
  ["运力未配置", "pathnotify", "errcode", 150004],
  ["反查系统错误", "pathnotify", "errcode", 932001],
  ["反查逻辑错误", "pathnotify", "errcode", 932002],
  ["反查数据异常", "pathnotify", "errcode", 932003],
].map(([label, call, kind, errcode = 0, note = ""]) => ({ label, call, kind, errcode, note }));

let version = 0;
let sought = "";
const frames = new Map();

async function send(method, path, body) {
  const answer = await fetch("/sandbox/api/" + path, {
    method,
    headers: { "Content-Type": "application/json" },
    body: body === undefined ? undefined : JSON.stringify(body),
  });
  if (!answer.ok) throw new Error("HTTP " + answer.status);
  await refresh();
}

function clock(seconds) {
  return new Date(seconds * 1000).toLocaleTimeString("zh-CN", { hour12: false, timeZone: "Asia/Shanghai" });
}

function copy(templateId) {
  return byId(templateId).content.firstElementChild.cloneNode(true);
}

/* Sets a text only where it differs: a selection survives the refresh. */
function write(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

function openLanding(waybillId) {
  const dialog = byId("landing");
  dialog.querySelector("iframe").src = "/sandbox/landing?waybill_id=" + encodeURIComponent(waybillId);
  dialog.showModal();
}

function messageNode(message) {
  const node = copy("message-template");
  node.dataset.id = message.id;
  node.querySelector("time").textContent = clock(message.at);
  const card = node.querySelector(".card");
  card.classList.add(message.action_type === 300003 ? "signed" : "on-the-way");
  card.querySelector("b").textContent = message.title;
  card.querySelector(".text").textContent = message.text;
  card.querySelector(".waybill").textContent = message.waybill_id;
  card.addEventListener("click", () => openLanding(message.waybill_id));
  return node;
}

function parcelNode(parcel) {
  const node = document.createElement("button");
  node.className = "parcel";
  const number = document.createElement("b");
  number.textContent = parcel.waybill_id;
  const latest = document.createElement("span");
  latest.textContent = parcel.latest ? parcel.latest.action_msg : "";
  node.append(number, latest);
  node.addEventListener("click", () => openLanding(parcel.waybill_id));
  return node;
}

function makeFrame(phone) {
  const root = copy("phone-template");
  root.dataset.phone = phone;
  root.querySelector(".number").textContent = phone;
  const frame = { root, seen: "", newest: 0, bound: false };
  root.querySelector(".toggle").addEventListener("click", () => {
    send("POST", frame.bound ? "unbind" : "bind", { phone }).catch(showOffline);
  });
  return frame;
}

function fillFrame(frame, phone) {
  const seen = JSON.stringify(phone);
  if (frame.seen === seen) return;
  frame.seen = seen;
  frame.bound = phone.bound;
  const { root } = frame;
  root.classList.toggle("bound", phone.bound);
  write(root.querySelector(".state"), phone.bound ? "已绑定" : "未绑定");
  write(root.querySelector(".toggle"), phone.bound ? "解除绑定" : "绑定");
  const arrived = phone.messages.length ? phone.messages[0] : null;
  write(root.querySelector(".clock"), arrived ? clock(arrived.at).slice(0, 5) : "");
  fillChat(frame, phone);
  root.querySelector(".parcels").replaceChildren(...phone.waybills.map(parcelNode));
}

function fillChat(frame, phone) {
  const chat = frame.root.querySelector(".chat");
  const fresh = phone.messages.filter((message) => message.id > frame.newest);
  chat.dataset.hint = phone.bound ? "暂无消息" : "绑定后，派送与签收的消息会到这里";
  if (!fresh.length) return;
  const isFirst = frame.newest === 0;
  frame.newest = fresh[0].id;
  const nodes = fresh.map(messageNode);
  if (!isFirst) nodes.forEach((node) => node.classList.add("fresh"));
  chat.prepend(...nodes);
  while (chat.childElementCount > 50) chat.lastElementChild.remove();
  chat.scrollTop = 0;
}

function showPhones(state) {
  const ordered = state.phones.map((phone) => {
    if (!frames.has(phone.phone)) frames.set(phone.phone, makeFrame(phone.phone));
    const frame = frames.get(phone.phone);
    fillFrame(frame, phone);
    return frame.root;
  });
  const shown = new Set(ordered);
  for (const [number, frame] of frames) if (!shown.has(frame.root)) { frame.root.remove(); frames.delete(number); }
  placePhones(ordered);
  byId("no-phones").hidden = ordered.length > 0 || sought !== "";
  byId("none-found").hidden = ordered.length > 0 || sought === "";
  write(byId("phones-known"), state.phones_known ? `共 ${state.phones_known} 部` : "");
}

/* The order is the sandbox's, and hardly ever changes: a phone keeps its place while one reads it. */
function placePhones(ordered) {
  const list = byId("phones");
  ordered.forEach((root, place) => { if (list.children[place] !== root) list.insertBefore(root, list.children[place] || null); });
}

/* The newest message is marked where it is, and named on top. */
function showNewest(newest) {
  const button = byId("newest");
  button.hidden = !newest;
  if (!newest) return;
  button.dataset.phone = newest.phone;
  write(button, `最新消息：${newest.phone} ${clock(newest.at)}`);
  for (const [number, frame] of frames) frame.root.classList.toggle("newest", number === newest.phone);
}

function openNewest() {
  const number = byId("newest").dataset.phone;
  const frame = frames.get(number);
  if (frame) {
    frame.root.scrollIntoView({ behavior: "smooth", block: "center" });
  } else {
    byId("find-phone").value = number;
    seek(number);
  }
}

function seek(digits) {
  sought = digits.replace(/[^0-9]/g, "");
  version = 0;
  refresh().catch(showOffline);
}

function isPreset(fault, preset) {
  return fault.call === preset.call && fault.kind === preset.kind && fault.times === null && !fault.phone
    && (preset.kind !== "errcode" || fault.errcode === preset.errcode);
}

function makeSwitches() {
  for (const preset of FAULTS) {
    const label = document.createElement("label");
    label.title = preset.call;
    const box = document.createElement("input");
    box.type = "checkbox";
    box.setAttribute("role", "switch");
    const name = document.createElement("span");
    name.textContent = preset.label;
    const code = document.createElement("code");
    code.textContent = preset.errcode || "";
    label.append(name, code, box);
    if (preset.note) {
      const note = document.createElement("small");
      note.textContent = preset.note;
      label.append(note);
    }
    box.addEventListener("change", () => turn(preset, box.checked).catch(showOffline));
    preset.box = box;
    byId("faults").append(label);
  }
}

async function turn(preset, isOn) {
  if (isOn) {
    await send("POST", "faults", { call: preset.call, kind: preset.kind, errcode: preset.errcode, times: null });
  } else if (preset.number) {
    await send("DELETE", "faults?id=" + preset.number);
  }
}

function showFaults(faults) {
  for (const preset of FAULTS) {
    const active = faults.find((fault) => isPreset(fault, preset));
    preset.number = active ? active.id : 0;
    preset.box.checked = Boolean(active);
  }
  const others = faults.filter((fault) => !FAULTS.some((preset) => isPreset(fault, preset)));
  byId("other-faults").replaceChildren(...others.map((fault) => {
    const row = document.createElement("li");
    const times = fault.times === null ? "" : ` × ${fault.times}`;
    row.textContent = `${fault.call} ${fault.kind} ${fault.errcode || ""} ${fault.phone}${times}`;
    return row;
  }));
  byId("clear-faults").hidden = faults.length === 0;
}

function callNode(call) {
  const node = copy("call-template");
  const refused = call.errcode !== 0;
  node.classList.toggle("refused", refused);
  node.querySelector(".when").textContent = clock(call.at);
  node.querySelector(".what b").textContent = call.call;
  node.querySelector(".what small").textContent = [call.waybill_id || call.phone, call.action_type].filter(Boolean).join(" · ");
  node.querySelector(".ms").textContent = Math.round(call.duration_ms) + " ms";
  const outcome = call.exist === null ? "" : call.exist ? " 已绑定" : " 未绑定";
  node.querySelector(".code").textContent = call.errcode === null ? "无应答" : call.errcode + outcome;
  const why = [call.fault && "故障 " + call.fault, call.note, refused && call.back_queries.length && "反查 " + call.back_queries.join(";")];
  node.querySelector(".why").textContent = why.filter(Boolean).join(" · ");
  return node;
}

function showCalls(state) {
  byId("calls").replaceChildren(...state.calls.map(callNode));
  byId("no-calls").hidden = state.calls.length > 0;
  const sums = Object.values(state.counts).flatMap((codes) => Object.values(codes));
  write(byId("calls-made"), String(sums.reduce((sum, count) => sum + count, 0)));
}

function show(state) {
  write(byId("mode"), `${MODES[state.mode]} · ${state.format.toUpperCase()}`);
  write(byId("back-query"), state.back_query ? "开" : "关");
  const left = state.token_seconds_left;
  write(byId("token-left"), left ? Math.ceil(left / 60) + " 分钟" : "无");
  write(byId("messages-sent"), String(state.messages_sent));
  showPhones(state);
  showNewest(state.newest_message);
  showFaults(state.faults);
  showCalls(state);
}

function showOffline() {
  byId("offline").hidden = false;
}

async function refresh() {
  const asked = sought;
  const answer = await fetch(`/sandbox/api/state?since=${version}&phone=${asked}`, { cache: "no-store" });
  if (answer.status === 200) {
    const state = await answer.json();
    if (asked !== sought) return;
    version = state.version;
    show(state);
  }
  byId("offline").hidden = true;
}

async function watch() {
  await refresh().catch(showOffline);
  setTimeout(watch, 1000);
}

byId("bind-form").addEventListener("submit", (event) => {
  event.preventDefault();
  const field = byId("bind-phone");
  send("POST", "bind", { phone: field.value }).then(() => { field.value = ""; }, showOffline);
});
byId("find-phone").addEventListener("input", (event) => seek(event.target.value));
byId("newest").addEventListener("click", openNewest);
byId("clear-faults").addEventListener("click", () => send("DELETE", "faults").catch(showOffline));
byId("expire-tokens").addEventListener("click", () => send("POST", "tokens/expire", {}).catch(showOffline));
byId("landing").addEventListener("close", (event) => event.target.querySelector("iframe").removeAttribute("src"));
makeSwitches();
watch();

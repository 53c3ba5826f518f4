"use strict";
/* The landing page: one waybill's trail and Cells, by JSONP from the carrier's portal, which is another origin. */

const TYPES = {
  90001: "网点接单", 90002: "已分配业务员", 90003: "重新分配业务员", 90010: "待支付", 90011: "已支付",
  100001: "揽件成功", 100002: "揽件失败", 200001: "运输中",
  300002: "派送中", 300003: "已签收", 300004: "签收失败", 300005: "代收点已入库", 300006: "已从代收点取出", 300007: "已代签收",
  400001: "订单已取消", 400002: "快件滞留", 400003: "快件退回", 400004: "收件人拒收", 400005: "问题件", 500001: "物流更新",
};
const CALLBACK = "landingPageLoaded";
const byId = (id) => document.getElementById(id);
const waybillId = new URLSearchParams(location.search).get("waybill_id") || "";

function element(tag, className, text) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  if (text !== undefined) made.textContent = text;
  return made;
}

function moment(seconds) {
  return new Date(seconds * 1000).toLocaleString("zh-CN", {
    month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit", hour12: false, timeZone: "Asia/Shanghai",
  });
}

/* A text whose phone numbers can be tapped. */
function withPhones(text) {
  const paragraph = element("p");
  for (const part of text.split(/(?<![0-9])(1[0-9]{10})(?![0-9])/)) {
    if (/^1[0-9]{10}$/.test(part)) {
      const link = element("a", "", part);
      link.href = "tel:" + part;
      paragraph.append(link);
    } else {
      paragraph.append(part);
    }
  }
  return paragraph;
}

function fail(title, detail) {
  document.body.classList.add("failed");
  byId("stage").textContent = title;
  byId("latest").textContent = detail;
}

function courier(node) {
  const name = node.DeliveryCourierName || node.PickupCourierName || "";
  const phone = node.DeliveryCourierPhone || node.PickupCourierPhone || "";
  if (!name && !phone) return null;
  const line = withPhones((node.DeliveryCourierName ? "派件员 " : "快递员 ") + name + " " + phone);
  line.className = "courier";
  return line;
}

function showTrail(path) {
  byId("trail-sheet").hidden = !path.length;
  for (const node of path) {
    const item = element("li");
    const head = element("div", "head");
    head.append(element("b", "", TYPES[node.ActionType] || "物流更新"), element("time", "", moment(node.ActionTime)));
    item.append(head, withPhones(node.ActionMsg));
    const who = courier(node);
    if (who) item.append(who);
    byId("trail").append(item);
  }
}

function showCells(cells) {
  byId("cells").hidden = !cells.length;
  for (const cell of cells) {
    const isAddress = /^https?:\/\//i.test(cell.Link);
    const row = element(isAddress ? "a" : "span", "cell", cell.Name);
    row.dataset.key = cell.Key;
    row.title = cell.Link;
    if (isAddress) {
      row.href = cell.Link;
      row.target = "_blank";
      row.rel = "noopener noreferrer";
    }
    byId("cells").append(row);
  }
}

function show(answer) {
  if (answer.ResultCode !== 0) {
    fail(answer.ResultCode === 1004 ? "查询过于频繁" : "查不到这票快件", answer.ResultCode + " " + answer.ResultMsg);
    return;
  }
  const newest = answer.Path[0];
  byId("stage").textContent = newest ? TYPES[newest.ActionType] || "物流更新" : "暂无轨迹";
  byId("latest").textContent = newest ? newest.ActionMsg : "";
  byId("parcel").hidden = false;
  byId("waybill-id").textContent = answer.WaybillId;
  byId("sender-city").textContent = answer.Sender.City || answer.Sender.Province || "寄件";
  byId("sender-name").textContent = answer.Sender.Name;
  byId("receiver-city").textContent = answer.Receiver.City || answer.Receiver.Province || "收件";
  byId("receiver-name").textContent = answer.Receiver.Name;
  showTrail(answer.Path);
  showCells(answer.Cell);
}

async function load() {
  const config = await (await fetch("/sandbox/api/config")).json();
  const address = new URL(config.landing_url);
  address.searchParams.set(config.waybill_param, waybillId);
  address.searchParams.set(config.callback_param, CALLBACK);
  window[CALLBACK] = show;
  const script = document.createElement("script");
  script.src = address.href;
  script.onerror = () => fail("物流信息加载失败", "快递公司的接口没有应答：" + address.origin);
  document.head.append(script);
}

load().catch(() => fail("物流信息加载失败", "沙箱没有应答"));

/* The pages of an import: progress without a reload, and which button fits the columns chosen. */
"use strict";

function watch(card) {
    const bar = card.querySelector("progress");
    async function look() {
        try {
            const answer = await fetch(card.dataset.progress, { headers: { Accept: "application/json" } });
            if (answer.ok && !answer.redirected) {
                const now = await answer.json();
                if (now.state !== card.dataset.state && !(now.state === "running" && card.dataset.state === "waiting")) {
                    location.reload();
                    return;
                }
                card.querySelector("[data-headline]").textContent = now.headline;
                card.querySelector("[data-detail]").textContent = now.detail;
                if (now.total !== null) {
                    bar.max = now.total;
                    bar.value = now.done;
                }
            }
        } catch {
            // The server is away for a moment: the next look tells.
        }
        setTimeout(look, 1000);
    }
    setTimeout(look, 500);
}

function compare(form) {
    const selects = [...form.querySelectorAll("select")];
    const first = selects.map((select) => select.value).join("\n");
    function show() {
        const changed = selects.map((select) => select.value).join("\n") !== first;
        for (const button of form.querySelectorAll("[data-when]")) {
            button.hidden = (button.dataset.when === "changed") !== changed;
        }
        for (const select of selects) {
            select.classList.toggle("desk-select-empty", select.value === "");
        }
    }
    form.addEventListener("change", show);
    show();
}

function takeDrops(form) {
    const input = form.querySelector("input[type=file]");
    for (const name of ["dragover", "dragleave", "drop"]) {
        form.addEventListener(name, (event) => {
            event.preventDefault();
            form.classList.toggle("desk-upload-over", name === "dragover");
        });
    }
    form.addEventListener("drop", (event) => {
        if (event.dataTransfer.files.length) {
            input.files = event.dataTransfer.files;
            input.dispatchEvent(new Event("change"));
        }
    });
    form.addEventListener("submit", () => {
        const button = form.querySelector("[data-busy]");
        button.textContent = button.dataset.busy;
        button.disabled = true;
    });
}

document.querySelectorAll("[data-progress]").forEach(watch);
document.querySelectorAll("[data-mapping]").forEach(compare);
document.querySelectorAll("[data-upload]").forEach(takeDrops);

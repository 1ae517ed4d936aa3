// What the browser does by itself: remembers which conversations are its own, saves a file, scrolls, moves with arrow keys.
// It loads nothing from anywhere.
window.prcEmo = {
  known() {
    try { return JSON.parse(localStorage.getItem("prc-emo") || "[]").filter((id) => typeof id === "string"); }
    catch { return []; }
  },
  // Storage may be switched off: then the page works, and remembers nothing.
  store(ids) { try { localStorage.setItem("prc-emo", JSON.stringify(ids.slice(0, 200))); } catch { } },
  current() { try { return sessionStorage.getItem("prc-emo") || ""; } catch { return ""; } },
  // The conversation of this tab, and whether it is kept on the server.
  keep(id, kept) {
    try { sessionStorage.setItem("prc-emo", kept ? id : ""); } catch { }
    if (kept) this.store([id, ...this.known().filter((one) => one !== id)]);
  },
  forget(id) { this.store(this.known().filter((one) => one !== id)); },
  save(name, text) {
    if (!text) return;
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([text], { type: "application/jsonl" }));
    link.download = name;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 1000);
  },
  // The conversation follows what is said, unless somebody has scrolled up to read.
  follow() {
    const box = document.getElementById("talk-box");
    if (!box) return;
    let last = true;
    box.addEventListener("scroll", () => { last = box.scrollHeight - box.scrollTop - box.clientHeight < 60; });
    new MutationObserver(() => { if (last) box.scrollTop = box.scrollHeight; })
      .observe(box, { childList: true, subtree: true, characterData: true });
  },
  // A screen reader is told of new readings by a region that stays while its words change.
  label() {
    const live = document.getElementById("news");
    live?.setAttribute("role", "status");
    live?.setAttribute("aria-live", "polite");
    document.querySelector("main")?.setAttribute("aria-label", "PRC-Emo");
  },
};

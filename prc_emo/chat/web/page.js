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
  bytes(base64) { return Uint8Array.from(atob(base64), (one) => one.charCodeAt(0)); },
  // A transcript, or a zip file of it and its recordings, in base64.
  save(name, base64) {
    if (!base64) return;
    const type = name.endsWith(".zip") ? "application/zip" : "application/jsonl";
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([this.bytes(base64)], { type }));
    link.download = name;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 1000);
  },
  // A recording, from its beginning; once more while it plays, and it stops.
  play(number, base64) {
    const before = this.playing;
    before?.pause();
    this.playing = null;
    if (before && before.number === number && !before.ended) return;
    const sound = new Audio(URL.createObjectURL(new Blob([this.bytes(base64)])));
    sound.number = number;
    sound.onended = () => URL.revokeObjectURL(sound.src);
    this.playing = sound;
    sound.play().catch(() => { });
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

// Files that are dropped on the page, or pasted into it. Flet's client knows nothing of these: each is announced to
// our server, which gives a ticket for it if a conversation is open, and then sent with its ticket, one by one.
"use strict";

(() => {
  const indonesian = (navigator.language || "").toLowerCase().startsWith("id");
  const HINT = indonesian ? "Lepaskan berkas untuk mengirimnya" : "Drop files to send them";
  const NO_ROOM = indonesian ? "Buka percakapan dulu" : "Open a conversation first";
  const AWAY = indonesian ? "Berkas tidak dapat dikirim sekarang" : "Files cannot be sent now";
  const SHOWN = 2500; // milliseconds that a sentence stays

  let veil = null;
  let timer = 0;

  function show(text) {
    clearTimeout(timer);
    if (!veil) {
      veil = document.createElement("div");
      veil.id = "drop";
      veil.setAttribute("role", "status");
      document.body.append(veil);
    }
    veil.textContent = text;
    veil.classList.add("shown");
  }

  function hide() {
    clearTimeout(timer);
    if (veil) veil.classList.remove("shown");
  }

  function tell(text) {
    show(text);
    timer = setTimeout(hide, SHOWN);
  }

  function carriesFiles(transfer) {
    return Boolean(transfer) && Array.from(transfer.types || []).includes("Files");
  }

  // A folder cannot be sent; it looks like a file until somebody reads it.
  function filesOf(transfer) {
    const items = Array.from(transfer.items || []).filter((item) => item.kind === "file");
    const folder = (item) => item.webkitGetAsEntry && (item.webkitGetAsEntry() || {}).isDirectory;
    if (!items.length) return Array.from(transfer.files || []);
    return items.filter((item) => !folder(item)).map((item) => item.getAsFile()).filter(Boolean);
  }

  const tab = () => sessionStorage.getItem("_flet_session_id") || "";

  // Loaded again: what the page before was still to send is lost, and those who wait for it are told.
  if (tab()) fetch("/files/begin", { method: "POST", headers: { "x-pesan-tab": tab() } }).catch(() => {});

  async function send(files) {
    let answer;
    try {
      answer = await fetch("/files/drop", {
        method: "POST",
        headers: { "content-type": "application/json", "x-pesan-tab": tab() },
        body: JSON.stringify(files.map((file) => ({ name: file.name || "file", size: file.size }))),
      });
    } catch (error) {
      return tell(AWAY);
    }
    if (answer.status === 409) return tell(NO_ROOM);
    if (!answer.ok) return tell(AWAY);
    const tickets = await answer.json();
    for (let i = 0; i < files.length; i += 1) {
      try { // one that fails is told in the window, and the others are sent all the same
        await fetch("/files/in/" + tickets[i], { method: "PUT", body: files[i] });
      } catch (error) { /* see above */ }
    }
  }

  addEventListener("dragenter", (event) => { if (carriesFiles(event.dataTransfer)) { event.preventDefault(); show(HINT); } });
  addEventListener("dragover", (event) => { if (carriesFiles(event.dataTransfer)) event.preventDefault(); });
  addEventListener("dragleave", (event) => { if (!event.relatedTarget) hide(); });
  addEventListener("drop", (event) => {
    if (!carriesFiles(event.dataTransfer)) return;
    event.preventDefault();
    hide();
    const files = filesOf(event.dataTransfer);
    if (files.length) send(files);
  });

  // Text with a picture of it beside (as some programs copy) is text.
  addEventListener("paste", (event) => {
    const files = carriesFiles(event.clipboardData) ? filesOf(event.clipboardData) : [];
    if (!files.length || Array.from(event.clipboardData.types).includes("text/plain")) return;
    event.preventDefault();
    event.stopPropagation();
    send(files);
  }, true);
})();

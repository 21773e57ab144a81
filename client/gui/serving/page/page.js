// What Flet's client wants to know before it begins, and what our server wants to know of this browser.
// A file and no inline script, so that the content security policy allows none of these.
"use strict";

var flet = {
  pyodide: false,
  multiView: false,
  noCdn: true,
  webSocketEndpoint: "/ws",
  entrypointBaseUrl: "/",
  assetBase: "/",
  routeUrlStrategy: "path",
  canvasKitBaseUrl: "/canvaskit/",
  pyodideUrl: "",
  webRenderer: "auto",
  fontFallbackBaseUrl: "/fonts/",
  appPackageUrl: "",
};
flet.flutterAppLoaded = new Promise((resolve) => { flet.flutterAppResolve = resolve; });

// The reader's languages and time zone; the header of the socket need not have the first, and never has the other.
function tell(name, value) {
  document.cookie = name + "=" + encodeURIComponent(value) + "; path=/; max-age=31536000; SameSite=Strict";
}
tell("languages", (navigator.languages || [navigator.language || ""]).slice(0, 16).join(","));
try {
  tell("zone", Intl.DateTimeFormat().resolvedOptions().timeZone);
} catch (error) { /* days are then those of the server */ }

// Safari brings a page back from its cache with an engine that draws nothing any more.
addEventListener("pageshow", (event) => {
  if (event.persisted && navigator.vendor && navigator.vendor.startsWith("Apple")) location.reload();
});

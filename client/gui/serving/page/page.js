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

// The reader's time zone; the header of the socket has none.
try {
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  document.cookie = "zone=" + encodeURIComponent(zone) + "; path=/; max-age=31536000; SameSite=Strict";
} catch (error) { /* days are then those of the server */ }

// Safari brings a page back from its cache with an engine that draws nothing any more.
addEventListener("pageshow", (event) => {
  if (event.persisted && navigator.vendor && navigator.vendor.startsWith("Apple")) location.reload();
});

// JupyterLab tells that it can't reach the server in a dialog, which takes the keys of who types. This plugin tells it
// in a banner instead, which stays until the server answers. JupyterLab's own notifications won't do: their code is
// loaded when the first one is shown. It is a container of webpack's module federation, written by hand: two functions
// need no build with npm.
(window._JUPYTERLAB ??= {})["@modelyard/connection"] = (() => {
  const TEXT =
    "The server can't be reached. Type on: this page keeps what is typed, and sends it once the server is back. " +
    "Don't close or reload it until then.";
  const STYLE =
    "position: fixed; bottom: 40px; left: 50%; transform: translateX(-50%); z-index: 10000; pointer-events: none; " +
    "padding: 8px 16px; border: 1px solid var(--jp-warn-color1); background: var(--jp-layout-color1); " +
    "color: var(--jp-ui-font-color1); font-size: var(--jp-ui-font-size1); box-shadow: var(--jp-elevation-z6)";
  const PAUSE = 3000; // milliseconds between two questions whether the server is back
  let shared;

  const answers = async (url) => {
    try {
      return (await fetch(url, { cache: "no-store" })).status < 500;
    } catch {
      return false;
    }
  };

  const banner = document.createElement("div");
  banner.setAttribute("role", "status");
  banner.style.cssText = STYLE;
  banner.textContent = TEXT;

  // It is called with each request that fails.
  const tell = async (manager) => {
    if (banner.isConnected) {
      return;
    }
    document.body.append(banner);
    while (!(await answers(`${manager.serverSettings.baseUrl}api`))) {
      await new Promise((resolve) => setTimeout(resolve, PAUSE));
    }
    banner.remove();
  };

  const plugin = async () => {
    const [library] = Object.values(shared["@jupyterlab/application"]);
    const { IConnectionLost } = (await library.get())();
    return { id: "@modelyard/connection:plugin", autoStart: true, provides: IConnectionLost, activate: () => tell };
  };

  return {
    init: (scope) => {
      shared = scope;
    },
    get: async () => {
      const found = await plugin();
      return () => ({ __esModule: true, default: found });
    },
  };
})();

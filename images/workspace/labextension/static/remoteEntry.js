// JupyterLab tells that it can't reach the server in a dialog, which takes the keys of who types. This plugin tells it
// in a notification instead. It is a container of webpack's module federation, written by hand: two functions need no
// build with npm.
(window._JUPYTERLAB ??= {})["@modelyard/connection"] = (() => {
  const TEXT =
    "The server can't be reached. Type on: this page keeps what is typed and sends it once the server is back. " +
    "Don't close or reload it until then.";
  const SECONDS = 10;
  let shared;

  const library = async (name) => {
    const [version] = Object.values(shared[name]);
    return (await version.get())();
  };

  const plugin = async () => {
    const { IConnectionLost } = await library("@jupyterlab/application");
    const { Notification } = await library("@jupyterlab/apputils");
    let shown = "";
    // It is called again with each request that fails.
    const tell = async () => {
      if (!Notification.manager.has(shown)) {
        shown = Notification.warning(TEXT, { autoClose: SECONDS * 1000 });
      }
    };
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

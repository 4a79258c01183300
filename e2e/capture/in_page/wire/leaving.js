// What needs no reply: forms, and `sendBeacon`.
(natives, { absolute, after, asText, guarded, tools, wrap }, { base64, binary, bodyOf, encoded, fieldsText, sizeOf, utf8 }, exchanges) => {
  const { apply, bare, getter, listenHere, method, trim } = natives;
  const { begin, failed } = exchanges;
  const { cookies, note, now, send } = tools;
  const G = globalThis;

  // The last word on what a form sends: the page's own listeners have had their time where the event has bubbled up to the window.
  if (G.HTMLFormElement) {
    const attribute = method(G.Element.prototype, "getAttribute");
    const lower = method(String.prototype, "toLowerCase");
    const targetOf = getter(G.Event.prototype, "target");
    const formOf = getter(G.FormDataEvent.prototype, "formData");
    const each = method(G.FormData.prototype, "forEach");
    const nameOf = getter(G.File.prototype, "name");
    const { URLSearchParams } = G;
    const addField = method(URLSearchParams.prototype, "append");
    listenHere("formdata", (event) =>
      guarded(() => {
        if (!event.isTrusted) return;
        const form = formOf(event);
        const record = { __proto__: null, k: "wire", e: "form", t: now() };
        if (lower(trim(attribute(targetOf(event), "enctype") ?? "")) !== "multipart/form-data") {
          const fields = new URLSearchParams();
          each(form, (value, name) => addField(fields, name, typeof value === "string" ? value : nameOf(value)));
          record.bytes = base64(utf8(fieldsText(fields)));
          return note(record);
        }
        const { later, type } = encoded(form); // another boundary than that of the request
        after(later, (buffer) => note({ __proto__: null, ...record, type, bytes: binary(buffer) }));
      }),
    );
  }

  wrap(G.Navigator?.prototype, "sendBeacon", {
    apply(native, self, args) {
      asText(args, 0);
      const id = guarded(() => {
        const url = absolute(args[0]);
        send(url, sizeOf(args[1]), false);
        return begin("Ping", "POST", url, bare(), bodyOf(args[1]), cookies(url, "include"));
      });
      const left = apply(native, self, args);
      if (id && !left) guarded(() => failed(id, "the browser did not take the beacon", true));
      return left;
    },
  });
}

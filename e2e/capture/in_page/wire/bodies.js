// What a request or a frame carries, as text or in base64.
(natives, { guarded }) => {
  const { brand, getPrototypeOf, getter, method, slice, String } = natives;
  const G = globalThis;
  const { ArrayBuffer, Blob, btoa, Response, Uint8Array, XMLSerializer } = G;
  const { fromCharCode } = String;
  const { isView } = ArrayBuffer;
  const LIMIT = 1 << 20; // characters of a request's body that are handed on

  const typed = getPrototypeOf(Uint8Array.prototype);
  const [lengthOf, bufferOf, offsetOf, bytesIn] = ["length", "buffer", "byteOffset", "byteLength"].map((name) => getter(typed, name));
  const [viewBuffer, viewOffset, viewSize] = ["buffer", "byteOffset", "byteLength"].map((name) => getter(DataView.prototype, name));
  const sizeOfBuffer = getter(ArrayBuffer.prototype, "byteLength");
  const isBuffer = brand(sizeOfBuffer);
  const isDataView = brand(viewSize);
  const isBinary = (data) => isBuffer(data) || isView(data);
  const bytesOf = (data) => {
    if (isBuffer(data)) return new Uint8Array(data);
    if (isDataView(data)) return new Uint8Array(viewBuffer(data), viewOffset(data), viewSize(data));
    return new Uint8Array(bufferOf(data), offsetOf(data), bytesIn(data));
  };

  const toBase64 = typeof Uint8Array.prototype.toBase64 === "function" ? method(Uint8Array.prototype, "toBase64") : null;
  const encode = (text) => natives.apply(btoa, G, [text]);
  /** Without `toBase64`: `fromCharCode.apply(null, bytes)` asks for a length that a page may replace. */
  const byHand = (bytes) => {
    const size = lengthOf(bytes);
    let text = "";
    let at = 0;
    for (; at + 8 <= size; at += 8) {
      text += fromCharCode(bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3], bytes[at + 4], bytes[at + 5], bytes[at + 6], bytes[at + 7]);
    }
    for (; at < size; at++) text += fromCharCode(bytes[at]);
    return encode(text);
  };

  const [blobSize, blobType] = ["size", "type"].map((name) => getter(Blob.prototype, name));
  const blobBytes = method(Blob.prototype, "arrayBuffer");
  const isBlob = brand(blobSize);
  const fieldsText = method(G.URLSearchParams.prototype, "toString");
  const hasField = method(G.URLSearchParams.prototype, "has");
  const isFields = brand((value) => hasField(value, ""));
  const hasPart = method(G.FormData.prototype, "has");
  const isForm = brand((value) => hasPart(value, ""));
  const isDocument = brand(getter(G.Document?.prototype, "contentType"));
  const isStream = brand(getter(G.ReadableStream?.prototype, "locked"));
  const serialize = method(XMLSerializer?.prototype, "serializeToString");
  const headersOf = getter(Response.prototype, "headers");
  const headerOf = method(G.Headers.prototype, "get");
  const wholeOf = method(Response.prototype, "arrayBuffer");
  const encodeText = method(G.TextEncoder.prototype, "encode");
  const encoder = new G.TextEncoder();

  const base64 = (bytes) => (toBase64 ? toBase64(bytes) : byHand(bytes));
  /** A form as a request would encode it, with another boundary. */
  const encoded = (form) => {
    const whole = new Response(form);
    return { __proto__: null, type: headerOf(headersOf(whole), "content-type"), later: wholeOf(whole) };
  };
  return {
    __proto__: null,
    base64,
    binary: (buffer) => base64(new Uint8Array(buffer)),
    isBinary,
    isBlob,
    isStream,
    bytesOf,
    copied: (data) => new Uint8Array(bytesOf(data)),
    sizeOfBuffer,
    lengthOf,
    blobBytes,
    fieldsText,
    encoded,
    utf8: (text) => encodeText(encoder, text),
    /** `{text}`, `{bytes}`, `{later}` (a promise of one of these) or null; with the content type that the browser gives it. */
    bodyOf: (body) => {
      if (body === null || body === undefined) return null;
      if (typeof body === "string") return { __proto__: null, text: slice(body, 0, LIMIT), type: "text/plain;charset=UTF-8" };
      if (isFields(body)) return { __proto__: null, text: fieldsText(body), type: "application/x-www-form-urlencoded;charset=UTF-8" };
      if (isBinary(body)) return { __proto__: null, bytes: base64(bytesOf(body)) };
      if (isForm(body)) return encoded(body);
      if (isBlob(body)) return { __proto__: null, later: blobBytes(body), type: blobType(body) };
      if (isDocument(body)) return { __proto__: null, text: serialize(new XMLSerializer(), body), type: "application/xml" };
      if (isStream(body)) return { __proto__: null, lost: "the page sends it as a stream" };
      return { __proto__: null, text: slice(`${body}`, 0, LIMIT), type: "text/plain;charset=UTF-8" };
    },
    sizeOf: (data) =>
      guarded(() => {
        if (typeof data === "string") return data.length;
        if (isBinary(data)) return lengthOf(bytesOf(data));
        return isBlob(data) ? blobSize(data) : 0;
      }, 0),
  };
}

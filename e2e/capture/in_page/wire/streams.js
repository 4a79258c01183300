// A page that stops reading must stop the browser's request too: our branch of the stream would keep it going.
(natives, { after, guarded, weakTable, wrap }) => {
  const { apply, brand, defineProperty, descriptor, getPrototypeOf, getter } = natives;
  const G = globalThis;
  const branches = weakTable(); // a stream of the page -> what ends our branch of it
  const streams = G.ReadableStream?.prototype;
  const { Promise } = G;
  const lockOf = getter(streams, "locked");
  const isLocked = (stream) => guarded(() => lockOf(stream), true);
  const bodyOf = getter(G.Response.prototype, "body");
  const writableLock = getter(G.WritableStream?.prototype, "locked");
  const isReadable = brand(lockOf), isWritable = brand(writableLock);
  const isSignal = brand(getter(G.AbortSignal?.prototype, "aborted"));

  const stop = (stream) => guarded(() => branches.get(stream)?.());
  /** The page has cut its stream in two: it stops reading when it has stopped with both. */
  const cut = (end, one, other) => {
    let left = 2;
    const ends = (stream) => {
      let open = true;
      branches.set(stream, () => {
        if (open) left -= 1;
        open = false;
        if (!left) end();
      });
    };
    ends(one);
    ends(other);
  };
  const readers = weakTable();
  wrap(G.Response.prototype, "clone", {
    apply(native, self, args) {
      const end = guarded(() => branches.get(bodyOf(self)));
      const copy = apply(native, self, args);
      if (end) guarded(() => cut(end, bodyOf(self), bodyOf(copy)));
      return copy;
    },
  });
  wrap(streams, "tee", {
    apply(native, self, args) {
      const both = apply(native, self, args);
      const end = branches.get(self);
      if (end) cut(end, both[0], both[1]);
      return both;
    },
  });
  wrap(streams, "getReader", {
    apply(native, self, args) {
      const reader = apply(native, self, args);
      if (branches.has(self)) readers.set(reader, self);
      return reader;
    },
  });
  wrap(streams, "cancel", {
    apply(native, self, args) {
      if (!isLocked(self)) stop(self);
      return apply(native, self, args);
    },
  });
  for (const kind of ["ReadableStreamDefaultReader", "ReadableStreamBYOBReader"]) {
    wrap(G[kind]?.prototype, "cancel", {
      apply(native, self, args) {
        stop(readers.get(self));
        return apply(native, self, args);
      },
    });
    wrap(G[kind]?.prototype, "releaseLock", {
      apply(native, self, args) {
        const result = apply(native, self, args);
        readers.delete(self);
        return result;
      },
    });
  }
  // A pipe that breaks cancels its source, unless the page wants it kept.
  const keeps = (options) => guarded(() => Boolean(options?.preventCancel), true);
  const endOf = (stream, options) => (isLocked(stream) || keeps(options) ? null : branches.get(stream));
  const pipeTo = streams?.pipeTo;
  wrap(streams, "pipeTo", {
    apply(native, self, args) {
      const end = endOf(self, args[1]);
      const piped = apply(native, self, args);
      if (!end) return piped;
      return new Promise((resolve, reject) =>
        after(piped, resolve, (error) => {
          end();
          reject(error);
        }),
      );
    },
  });
  wrap(streams, "pipeThrough", {
    apply(native, self, args) {
      const end = endOf(self, args[1]);
      if (!end) return apply(native, self, args);
      const { readable, writable } = args[0] ?? {};
      const whole = isReadable(readable) && isWritable(writable) && !writableLock(writable);
      const signal = args[1]?.signal;
      if (!whole || (signal !== undefined && !isSignal(signal))) return apply(native, self, args); // the browser says why not
      after(apply(pipeTo, self, [writable, args[1]]), () => {}, end);
      return readable;
    },
  });
  const iterate = streams?.values;
  wrap(streams, "values", {
    apply(native, self, args) {
      const iterator = apply(native, self, args);
      const end = branches.get(self);
      if (end && !keeps(args[0])) {
        const { return: leave } = getPrototypeOf(iterator);
        defineProperty(iterator, "return", {
          __proto__: null,
          configurable: true,
          writable: true,
          value(...values) {
            end();
            return apply(leave, iterator, values);
          },
        });
      }
      return iterator;
    },
  });
  const again = streams && descriptor(streams, Symbol.asyncIterator);
  if (again && again.value === iterate) defineProperty(streams, Symbol.asyncIterator, { __proto__: null, ...again, value: streams.values });
  return branches;
}

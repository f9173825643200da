// What an action finds in its global scope besides the language. It is evaluated in a fresh context before each run; `native`
// stays in here. What must hold whatever an action does is held by the process and by the server, not by this file.
(function (native) {
  'use strict';

  const define = (name, value) =>
    Object.defineProperty(globalThis, name, { value, writable: true, configurable: true, enumerable: false });

  // ---- Bytes: a string of one character a byte is what crosses into the native functions.
  const bytesOf = (data) => {
    if (data instanceof ArrayBuffer) return new Uint8Array(data);
    if (ArrayBuffer.isView(data)) return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
    throw new TypeError('expected an ArrayBuffer or a view of one');
  };
  const binary = (data) => {
    const bytes = bytesOf(data);
    let text = '';
    for (let at = 0; at < bytes.length; at += 4096) text += String.fromCharCode.apply(null, bytes.subarray(at, at + 4096));
    return text;
  };

  class TextEncoder {
    get encoding() { return 'utf-8'; }
    encode(text = '') { return native.utf8Encode(String(text).toWellFormed()); }
  }
  class TextDecoder {
    #fatal;
    #keepMark;
    constructor(label = 'utf-8', { fatal = false, ignoreBOM = false } = {}) {
      if (!['utf-8', 'utf8', 'unicode-1-1-utf-8'].includes(String(label).trim().toLowerCase())) {
        throw new RangeError(`TextDecoder: ${label} is not available; utf-8 is`);
      }
      this.#fatal = Boolean(fatal);
      this.#keepMark = Boolean(ignoreBOM);
    }
    get encoding() { return 'utf-8'; }
    get fatal() { return this.#fatal; }
    decode(data = new Uint8Array(0)) {
      const text = native.utf8Decode(binary(data), this.#fatal);
      if (text === undefined) throw new TypeError('the data is not valid utf-8');
      return !this.#keepMark && text.startsWith('\ufeff') ? text.slice(1) : text;
    }
  }
  const utf8 = new TextEncoder();
  const utf8Text = (bytes) => new TextDecoder().decode(bytes);

  // ---- console
  const seen = [];
  const shown = (value, depth) => {
    switch (typeof value) {
      case 'string': return depth === 0 ? value : JSON.stringify(value);
      case 'bigint': return `${value}n`;
      case 'function': return `[Function: ${value.name || 'anonymous'}]`;
      case 'object': break;
      default: return String(value);
    }
    if (value === null) return 'null';
    if (value instanceof Error) return `${value.name}: ${value.message}\n${value.stack ?? ''}`.trimEnd();
    if (seen.includes(value)) return '[Circular]';
    if (depth > 4) return Array.isArray(value) ? '[Array]' : '[Object]';
    seen.push(value);
    try {
      if (value instanceof Date) return Number.isNaN(value.getTime()) ? 'Invalid Date' : value.toISOString();
      if (value instanceof RegExp) return String(value);
      if (value instanceof Promise) return 'Promise {}';
      if (Array.isArray(value) || ArrayBuffer.isView(value)) {
        const some = Array.from(value).slice(0, 100).map((each) => shown(each, depth + 1));
        return `[${some.join(', ')}${value.length > 100 ? `, … ${value.length - 100} more` : ''}]`;
      }
      if (value instanceof Map) return `Map ${shown(Object.fromEntries(value), depth + 1)}`;
      if (value instanceof Set) return `Set ${shown([...value], depth + 1)}`;
      const members = Object.keys(value).map((key) => `${key}: ${shown(value[key], depth + 1)}`);
      const name = value.constructor?.name;
      const prefix = name && name !== 'Object' ? `${name} ` : '';
      return `${prefix}{${members.length ? ` ${members.join(', ')} ` : ''}}`;
    } finally {
      seen.pop();
    }
  };
  const formatted = (values) => {
    if (typeof values[0] === 'string' && values.length > 1 && /%[sdifjoO]/.test(values[0])) {
      const rest = values.slice(1);
      const text = values[0].replace(/%([sdifjoO%])/g, (all, kind) => {
        if (kind === '%') return '%';
        if (rest.length === 0) return all;
        const value = rest.shift();
        if (kind === 's') return typeof value === 'string' ? value : shown(value, 1);
        if (kind === 'd' || kind === 'f') return String(Number(value));
        if (kind === 'i') return String(Math.trunc(Number(value)));
        return kind === 'j' ? JSON.stringify(value) : shown(value, 1);
      });
      return [text, ...rest.map((value) => shown(value, 0))].join(' ');
    }
    return values.map((value) => shown(value, 0)).join(' ');
  };
  const writer = (level) => (...values) => native.write(level, formatted(values).toWellFormed());
  define('console', {
    debug: writer('debug'), trace: writer('debug'), log: writer('log'), dir: writer('log'), info: writer('info'),
    warn: writer('warn'), error: writer('error'),
    assert: (holds, ...values) => { if (!holds) writer('error')('Assertion failed', ...values); },
  });

  // ---- Timers
  const TIMERS_MAX = 1000;
  const timers = new Map();
  let lastTimer = 0;
  const timer = (repeats) => (call, wait = 0, ...values) => {
    if (typeof call !== 'function') throw new TypeError('a timer calls a function, not a text');
    if (timers.size >= TIMERS_MAX) throw new RangeError(`an action has ${TIMERS_MAX} timers at most`);
    wait = Math.max(1, Number(wait) || 0);
    const id = ++lastTimer;
    timers.set(id, { due: native.now() + wait, call, values, every: repeats ? wait : null });
    return id;
  };
  const clear = (id) => void timers.delete(Number(id));
  define('setTimeout', timer(false));
  define('setInterval', timer(true));
  define('setImmediate', (call, ...values) => setTimeout(call, 0, ...values));
  for (const name of ['clearTimeout', 'clearInterval', 'clearImmediate']) define(name, clear);

  // ---- URL
  class URLSearchParams {
    #pairs = [];
    #changed = () => {};
    constructor(from = '') {
      if (from instanceof URLSearchParams) this.#pairs = [...from];
      else if (from !== null && typeof from === 'object') {
        const pairs = typeof from[Symbol.iterator] === 'function' ? Array.from(from) : Object.entries(from);
        this.#pairs = pairs.map((pair) => {
          const [name, value, ...more] = pair;
          if (value === undefined || more.length) throw new TypeError('expected pairs of a name and a value');
          return [String(name), String(value)];
        });
      } else this.#pairs = JSON.parse(native.formParse(String(from).replace(/^\?/, '').toWellFormed()));
    }
    static follow(text, changed) {
      const params = new URLSearchParams(text);
      params.#changed = changed;
      return params;
    }
    static replace(params, text) { params.#pairs = new URLSearchParams(text).#pairs; }
    append(name, value) { this.#pairs.push([String(name), String(value)]); this.#changed(this.toString()); }
    delete(name) { this.#pairs = this.#pairs.filter(([each]) => each !== String(name)); this.#changed(this.toString()); }
    get(name) { return this.#pairs.find(([each]) => each === String(name))?.[1] ?? null; }
    getAll(name) { return this.#pairs.filter(([each]) => each === String(name)).map(([, value]) => value); }
    has(name) { return this.#pairs.some(([each]) => each === String(name)); }
    set(name, value) {
      const at = this.#pairs.findIndex(([each]) => each === String(name));
      if (at < 0) return this.append(name, value);
      this.#pairs = this.#pairs.filter(([each], index) => index <= at || each !== String(name));
      this.#pairs[at] = [String(name), String(value)];
      this.#changed(this.toString());
    }
    sort() { this.#pairs.sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)); this.#changed(this.toString()); }
    get size() { return this.#pairs.length; }
    forEach(call, self) { for (const [name, value] of [...this]) call.call(self, value, name, this); }
    *entries() { yield* this.#pairs.map((pair) => [...pair]); }
    *keys() { for (const [name] of this.#pairs) yield name; }
    *values() { for (const [, value] of this.#pairs) yield value; }
    [Symbol.iterator]() { return this.entries(); }
    toString() { return native.formSerialize(JSON.stringify(this.#pairs).toWellFormed()); }
  }
  const { follow, replace } = URLSearchParams;
  delete URLSearchParams.follow;
  delete URLSearchParams.replace;

  class URL {
    #parts;
    #params;
    constructor(url, base) {
      const parsed = native.urlParse(String(url).toWellFormed(), base === undefined ? null : String(base).toWellFormed());
      if (parsed === undefined) throw new TypeError(`Invalid URL: ${String(url).slice(0, 200)}`);
      this.#parts = JSON.parse(parsed);
      this.#params = follow(this.#parts.search, (search) => this.#set('search', search, true));
    }
    #set(part, value, ofParams = false) {
      const parsed = native.urlSet(this.#parts.href, part, String(value).toWellFormed());
      if (parsed === undefined) return;
      this.#parts = JSON.parse(parsed);
      if (!ofParams) replace(this.#params, this.#parts.search);
    }
    static canParse(url, base) {
      return native.urlParse(String(url).toWellFormed(), base === undefined ? null : String(base).toWellFormed()) !== undefined;
    }
    static parse(url, base) { return URL.canParse(url, base) ? new URL(url, base) : null; }
    get href() { return this.#parts.href; }
    set href(value) {
      const url = new URL(value);
      this.#parts = url.#parts;
      replace(this.#params, this.#parts.search);
    }
    get origin() { return this.#parts.origin; }
    get searchParams() { return this.#params; }
    toString() { return this.href; }
    toJSON() { return this.href; }
    static {
      for (const part of ['protocol', 'username', 'password', 'host', 'hostname', 'port', 'pathname', 'search', 'hash']) {
        Object.defineProperty(URL.prototype, part, {
          get() { return this.#parts[part]; },
          set(value) { this.#set(part, value); },
          enumerable: true,
          configurable: true,
        });
      }
    }
  }

  // ---- crypto
  const algorithm = (given) => {
    const name = String(typeof given === 'object' && given !== null ? given.name : given).toUpperCase();
    if (!['SHA-1', 'SHA-256', 'SHA-384', 'SHA-512'].includes(name)) {
      throw new DOMException(`${name} is not available; SHA-1, SHA-256, SHA-384 and SHA-512 are`, 'NotSupportedError');
    }
    return name;
  };
  const isHmac = (given) => {
    const name = String(typeof given === 'object' && given !== null ? given.name : given).toUpperCase();
    if (name !== 'HMAC') throw new DOMException(`${name} is not available; HMAC is`, 'NotSupportedError');
  };
  const keys = new WeakMap();
  class CryptoKey {}
  const usable = (key, usage) => {
    const inner = keys.get(key);
    if (!inner) throw new TypeError('expected a CryptoKey');
    if (!key.usages.includes(usage)) throw new DOMException(`the key is not for ${usage}`, 'InvalidAccessError');
    return inner;
  };
  const hmac = (key, usage, data) => {
    const { hash, bytes } = usable(key, usage);
    return native.hmac(hash, bytes, binary(data));
  };
  const makeKey = (hash, bytes, extractable, usages) => {
    const key = Object.freeze(Object.assign(new CryptoKey(), {
      type: 'secret', extractable: Boolean(extractable), usages: Object.freeze([...usages]),
      algorithm: Object.freeze({ name: 'HMAC', hash: Object.freeze({ name: hash }), length: bytes.length * 8 }),
    }));
    keys.set(key, { hash, bytes });
    return key;
  };
  const subtle = {
    async digest(name, data) { return native.digest(algorithm(name), binary(data)).buffer; },
    async importKey(format, data, options, extractable, usages) {
      if (format !== 'raw') throw new DOMException(`the key format ${format} is not available; raw is`, 'NotSupportedError');
      isHmac(options);
      const bytes = binary(data);
      if (bytes.length === 0) throw new DOMException('the key is empty', 'DataError');
      return makeKey(algorithm(options.hash), bytes, extractable, usages);
    },
    async exportKey(format, key) {
      const inner = keys.get(key);
      if (!inner) throw new TypeError('expected a CryptoKey');
      if (format !== 'raw') throw new DOMException(`the key format ${format} is not available; raw is`, 'NotSupportedError');
      if (!key.extractable) throw new DOMException('the key is not extractable', 'InvalidAccessError');
      return Uint8Array.from(inner.bytes, (each) => each.charCodeAt(0)).buffer;
    },
    async sign(name, key, data) { isHmac(name); return hmac(key, 'sign', data).buffer; },
    async verify(name, key, signature, data) {
      isHmac(name);
      const [is, given] = [hmac(key, 'verify', data), bytesOf(signature)];
      if (is.length !== given.length) return false;
      let different = 0;
      for (let at = 0; at < is.length; at++) different |= is[at] ^ given[at];
      return different === 0;
    },
  };
  define('crypto', {
    subtle,
    randomUUID: () => native.randomUuid(),
    getRandomValues(view) {
      const bytes = bytesOf(view);
      if (bytes.length > 65536) throw new DOMException('65536 bytes at most', 'QuotaExceededError');
      bytes.set(native.random(bytes.length));
      return view;
    },
  });

  // ---- fetch
  const headerName = (name) => {
    name = String(name).toLowerCase();
    if (!/^[!#$%&'*+.^_`|~0-9a-z-]+$/.test(name)) throw new TypeError(`${JSON.stringify(name)} is no header name`);
    return name;
  };
  const headerValue = (value) => {
    value = String(value).trim();
    if (/[\0\r\n]/.test(value)) throw new TypeError('a header value has no line breaks');
    return value;
  };
  class Headers {
    #pairs = [];
    constructor(from) {
      if (from === undefined || from === null) return;
      const pairs = typeof from[Symbol.iterator] === 'function' ? Array.from(from) : Object.entries(from);
      for (const [name, value] of pairs) this.append(name, value);
    }
    append(name, value) { this.#pairs.push([headerName(name), headerValue(value)]); }
    delete(name) { name = headerName(name); this.#pairs = this.#pairs.filter(([each]) => each !== name); }
    get(name) {
      const values = this.#pairs.filter(([each]) => each === headerName(name)).map(([, value]) => value);
      return values.length ? values.join(', ') : null;
    }
    getSetCookie() { return this.#pairs.filter(([each]) => each === 'set-cookie').map(([, value]) => value); }
    has(name) { return this.get(name) !== null; }
    set(name, value) { value = headerValue(value); this.delete(name); this.append(name, value); }
    forEach(call, self) { for (const [name, value] of this) call.call(self, value, name, this); }
    *entries() { for (const name of [...new Set(this.#pairs.map(([each]) => each))].sort()) yield [name, this.get(name)]; }
    *keys() { for (const [name] of this) yield name; }
    *values() { for (const [, value] of this) yield value; }
    [Symbol.iterator]() { return this.entries(); }
  }

  const bodyOf = (body, headers) => {
    if (body === undefined || body === null) return null;
    const typed = (type, text) => {
      if (!headers.has('content-type')) headers.set('content-type', type);
      return utf8.encode(text);
    };
    if (body instanceof URLSearchParams) return typed('application/x-www-form-urlencoded;charset=UTF-8', body.toString());
    if (body instanceof ArrayBuffer || ArrayBuffer.isView(body)) return bytesOf(body).slice();
    return typed('text/plain;charset=UTF-8', String(body));
  };
  // The body of a request or an answer, read once.
  class Body {
    #bytes;
    #used = false;
    constructor(bytes) { this.#bytes = bytes; }
    get bodyUsed() { return this.#used; }
    #take() {
      if (this.#used) throw new TypeError('the body has been read already');
      this.#used = this.#bytes !== null;
      return this.#bytes ?? new Uint8Array(0);
    }
    async text() { return utf8Text(this.#take()); }
    async json() { return JSON.parse(utf8Text(this.#take())); }
    async bytes() { return this.#take().slice(); }
    async arrayBuffer() { return this.#take().slice().buffer; }
    static copied(body) {
      if (body.#used) throw new TypeError('the body has been read already');
      return body.#bytes;
    }
  }
  const { copied } = Body;
  delete Body.copied;

  class Request extends Body {
    constructor(input, init = {}) {
      const of = input instanceof Request ? input : null;
      const method = String(init.method ?? of?.method ?? 'GET');
      const known = /^(get|head|post|put|delete|options|patch)$/i.test(method) ? method.toUpperCase() : method;
      const headers = new Headers(init.headers ?? of?.headers);
      const body = init.body !== undefined ? bodyOf(init.body, headers) : of ? copied(of) : null;
      if (body !== null && (known === 'GET' || known === 'HEAD')) throw new TypeError(`${known} has no body`);
      const redirect = init.redirect ?? of?.redirect ?? 'follow';
      if (!['follow', 'manual', 'error'].includes(redirect)) throw new TypeError('redirect is follow, manual or error');
      super(body);
      const url = of ? of.url : new URL(input).href;
      Object.assign(this, { url, method: known, headers, redirect, signal: init.signal ?? of?.signal ?? null });
    }
    clone() { return new Request(this); }
  }
  class Response extends Body {
    constructor(body = null, { status = 200, statusText = '', headers } = {}) {
      const all = new Headers(headers);
      super(bodyOf(body, all));
      Object.assign(this, { status, statusText, headers: all, ok: status >= 200 && status < 300, url: '', redirected: false, type: 'basic' });
    }
    clone() { return Object.assign(new Response(copied(this), this), { url: this.url, redirected: this.redirected }); }
    static json(value, init = {}) {
      const headers = new Headers(init.headers);
      if (!headers.has('content-type')) headers.set('content-type', 'application/json');
      return new Response(JSON.stringify(value), { ...init, headers });
    }
    static error() { return Object.assign(new Response(null, { status: 200 }), { status: 0, ok: false, type: 'error' }); }
  }

  class AbortSignal {
    #listeners = [];
    aborted = false;
    reason = undefined;
    addEventListener(name, call) { if (name === 'abort') this.#listeners.push(call); }
    removeEventListener(name, call) { this.#listeners = this.#listeners.filter((each) => each !== call); }
    throwIfAborted() { if (this.aborted) throw this.reason; }
    static abort(reason) { const controller = new AbortController(); controller.abort(reason); return controller.signal; }
    static timeout(wait) {
      const controller = new AbortController();
      setTimeout(() => controller.abort(new DOMException('the time is up', 'TimeoutError')), wait);
      return controller.signal;
    }
    static fire(signal, reason) {
      if (signal.aborted) return;
      signal.aborted = true;
      signal.reason = reason ?? new DOMException('it was called off', 'AbortError');
      for (const call of signal.#listeners.splice(0)) call.call(signal, { type: 'abort', target: signal });
    }
  }
  const { fire } = AbortSignal;
  delete AbortSignal.fire;
  class AbortController {
    signal = new AbortSignal();
    abort(reason) { fire(this.signal, reason); }
  }

  const asked = new Map();
  const fetch = async (input, init) => {
    const request = new Request(input, init);
    request.signal?.throwIfAborted();
    const head = { method: request.method, url: request.url, headers: [...request.headers], redirect: request.redirect };
    const body = copied(request);
    return new Promise((resolve, reject) => {
      const id = native.fetch(JSON.stringify(head).toWellFormed(), body === null ? null : binary(body));
      asked.set(id, { resolve, reject });
      request.signal?.addEventListener('abort', () => { asked.delete(id); reject(request.signal.reason); });
    });
  };

  for (const each of [
    TextEncoder, TextDecoder, URL, URLSearchParams, Headers, Request, Response, AbortController, AbortSignal, CryptoKey, fetch,
  ]) define(each.name, each);

  define('structuredClone', (value) => {
    const copies = new Map();
    const copy = (each) => {
      if (typeof each === 'function' || typeof each === 'symbol') throw new DOMException(`${typeof each} cannot be cloned`, 'DataCloneError');
      if (typeof each !== 'object' || each === null) return each;
      if (copies.has(each)) return copies.get(each);
      const known = (made) => { copies.set(each, made); return made; };
      if (each instanceof Date) return known(new Date(each.getTime()));
      if (each instanceof RegExp) return known(new RegExp(each.source, each.flags));
      if (each instanceof ArrayBuffer) return known(each.slice(0));
      if (ArrayBuffer.isView(each)) return known(new each.constructor(copy(each.buffer), each.byteOffset, each.length));
      if (each instanceof Map) { const made = known(new Map()); each.forEach((v, k) => made.set(copy(k), copy(v))); return made; }
      if (each instanceof Set) { const made = known(new Set()); each.forEach((v) => made.add(copy(v))); return made; }
      if (each instanceof Error) { const made = known(new Error(each.message)); made.name = each.name; return made; }
      const made = known(Array.isArray(each) ? [] : {});
      for (const key of Object.keys(each)) made[key] = copy(each[key]);
      return made;
    };
    return copy(value);
  });

  // ---- What of Node is not there says so.
  const AVAILABLE = 'fetch, URL, crypto.subtle, TextEncoder, timers and console are';
  const missing = (name, instead) => Object.defineProperty(globalThis, name, {
    get() { throw new ReferenceError(`${name} is not available in an action; ${instead}`); },
    set(value) { define(name, value); },
    configurable: true,
    enumerable: false,
  });
  missing('process', 'secrets are in event.secrets');
  missing('Buffer', 'Uint8Array, TextEncoder, atob and btoa are');
  const require = (name) => {
    throw new Error(`require('${String(name)}'): packages are not available in an action; ${AVAILABLE}`);
  };

  // ---- The cache, by which the server answers at once.
  const cached = (ask) => JSON.parse(native.cache(JSON.stringify(ask).toWellFormed()));
  const text = (what, value) => {
    if (typeof value !== 'string') throw new TypeError(`api.cache: the ${what} is a string`);
    return value;
  };
  const cache = {
    get(key) { return cached({ get: { key: text('key', key) } }) ?? undefined; },
    set(key, value, { ttl, expires_at } = {}) {
      if (expires_at !== undefined) ttl = Number(expires_at) - Date.now();
      const ttl_ms = ttl === undefined ? null : Math.max(0, Math.floor(Number(ttl)) || 0);
      return cached({ set: { key: text('key', key), value: text('value', value), ttl_ms } });
    },
    delete(key) { return cached({ delete: { key: text('key', key) } }); },
  };

  // ---- What the process calls.
  const rejected = new Map();
  return {
    load(factory) {
      const module = { exports: {} };
      factory(module.exports, require, module);
      const handler = module.exports?.onExecuteEventStream;
      if (typeof handler !== 'function') return null;
      return handler;
    },
    start(handler, message, secrets) {
      const event = { message: JSON.parse(message), secrets: JSON.parse(secrets) };
      const api = {
        cache,
        message: { fail: (reason) => native.fail(reason === undefined ? '' : String(reason).toWellFormed()) },
      };
      const running = (async () => { await handler(event, api); })();
      running.then(undefined, () => {});
      return running;
    },
    // Calls the first that is due; answers how long until the next one is, or -1.
    tick() {
      let first = null;
      for (const [id, each] of timers) if (first === null || each.due < first.due) first = { id, due: each.due };
      if (first === null) return -1;
      const wait = first.due - native.now();
      if (wait > 0) return wait;
      const each = timers.get(first.id);
      if (each.every === null) timers.delete(first.id);
      else each.due = native.now() + each.every;
      each.call(...each.values);
      return 0;
    },
    waiting() { return asked.size; },
    answered(id, head, bytes) {
      const each = asked.get(id);
      asked.delete(id);
      if (!each) return;
      const { url, redirected, ...init } = JSON.parse(head);
      const bodiless = [101, 204, 205, 304].includes(init.status);
      each.resolve(Object.assign(new Response(bodiless ? null : bytes, init), { url, redirected }));
    },
    refused(id, message) {
      const each = asked.get(id);
      asked.delete(id);
      each?.reject(new TypeError(`fetch failed: ${message}`));
    },
    rejection(promise, reason, handled) { if (handled) rejected.delete(promise); else rejected.set(promise, reason); },
    // Throws what no one has caught.
    throwRejected() { for (const reason of rejected.values()) throw reason; },
  };
})

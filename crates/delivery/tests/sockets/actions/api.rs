//! What an action is given: the event, secrets, cache, console, and what it knows of the web.

use super::world::*;

#[tokio::test]
async fn the_event_and_the_secrets() {
    let body = "console.log(Object.keys(event.message).join()); console.log(event.secrets.TOKEN.length, Object.keys(event.secrets))";
    assert_eq!(output(body).await, "id,type,source,specversion,time,data\n12 [\"TOKEN\"]");
}

#[tokio::test]
async fn module_exports_are_exports() {
    let run =
        run(&runtime(), &code("module.exports = { onExecuteEventStream: (event) => { console.log('ran') } };")).await;
    assert_eq!((run.error.clone(), lines(&run)), (None, vec!["ran".to_owned()]));
}

#[tokio::test]
async fn what_is_thrown_is_named_with_its_line() {
    let action = code("exports.onExecuteEventStream = async () => {\n  await null;\n  throw new TypeError('no');\n};");
    assert_eq!(run(&runtime(), &action).await.error.unwrap(), "TypeError: no (line 3)");
    assert_eq!(error("throw 'a text'").await, "a text");
    assert_eq!(error("throw { code: 7 }").await, r#"{"code":7}"#);
    assert_eq!(error("throw undefined").await, "undefined was thrown");
    assert!(error("event.missing.member").await.starts_with("TypeError: "));
    // What is thrown can be as nasty as it likes.
    assert!(!error("throw { toString() { throw 1 }, toJSON() { throw 2 } }").await.is_empty());
    assert!(
        error("const e = new Error('x'); Object.defineProperty(e, 'message', { get() { throw 1 } }); throw e")
            .await
            .starts_with("Error")
    );
}

#[tokio::test]
async fn an_action_can_give_up() {
    assert_eq!(error("api.message.fail('not now'); api.message.fail('second')").await, "not now");
    assert_eq!(error("api.message.fail()").await, "the action called api.message.fail without a reason");
    assert_eq!(error("api.message.fail('first'); throw new Error('later')").await, "first");
}

#[tokio::test]
async fn promises_that_come_to_nothing() {
    assert_eq!(
        error("await new Promise(() => {})").await,
        "the action waits for a promise that nothing can fulfil any more"
    );
    assert_eq!(
        error("Promise.reject(new Error('lost')); await new Promise((go) => setTimeout(go, 20))").await,
        "unhandled rejection: Error: lost (line 1)"
    );
    assert_eq!(
        error("setTimeout(() => { throw new Error('in a timer') }, 1); await new Promise((go) => setTimeout(go, 50))")
            .await,
        "Error: in a timer (line 1)"
    );
    output("const late = Promise.reject(new Error('caught')); late.catch(() => {}); await null;").await;
}

#[tokio::test]
async fn the_cache_forgets_with_the_runtime_of_a_try() {
    let body = "
        console.log(api.cache.get('k'));
        console.log((await api.cache.set('k', 'v', { ttl: 1000 })).type, api.cache.get('k').value);
        console.log(api.cache.delete('k').type, api.cache.get('k'));
        console.log(api.cache.set('big', 'x'.repeat(100000)));
        try { api.cache.set('k', 1) } catch (error) { console.log(error.message) }";
    let expected = "undefined\nsuccess v\nsuccess undefined\n{ code: \"CacheSizeExceeded\", type: \"error\" }\napi.cache: the value is a string";
    assert_eq!(output(body).await, expected);
}

#[tokio::test]
async fn the_console_shows_values() {
    let body = "
        const a = { n: 1, s: 't', f() {}, d: new Date(0), u: undefined, big: 2n, list: [1, [2]] }; a.self = a;
        console.log(a);
        console.log('%s is %d', 'x', 4, 'rest');
        console.error(new Error('shown').message, new Map([['k', 1]]), new Set([1]), null, /r/g);
        console.log('\\ud800');";
    let expected = "{ n: 1, s: \"t\", f: [Function: f], d: 1970-01-01T00:00:00.000Z, u: undefined, big: 2n, list: [1, [2]], self: [Circular] }\n\
        x is 4 rest\n\
        shown Map { k: 1 } Set [1] null /r/g\n\
        \u{fffd}";
    assert_eq!(output(body).await, expected);
}

#[tokio::test]
async fn secrets_do_not_stand_in_what_is_kept() {
    let run = once("console.log('token', event.secrets.TOKEN); throw new Error(`with ${event.secrets.TOKEN}`)").await;
    assert_eq!(lines(&run), ["token ***"]);
    assert_eq!(run.error.unwrap(), "Error: with *** (line 1)");
}

#[tokio::test]
async fn urls() {
    let body = "
        const url = new URL('../b?x=1', 'https://h.example/a/c');
        url.searchParams.append('y', 'ü&'); url.port = '8443'; url.hash = 'top';
        console.log(url.href, url.origin, String(url.searchParams));
        url.search = '?z=1'; console.log(url.searchParams.get('z'), url.searchParams.get('x'), JSON.stringify({ url }));
        console.log(URL.canParse('nope'), new URLSearchParams({ a: '1 2' }).toString(), [...new URLSearchParams('?a=1&a=2')].length);
        try { new URL('nope') } catch (error) { console.log(error.name, error.message) }";
    let expected = "https://h.example:8443/b?x=1&y=%C3%BC%26#top https://h.example:8443 x=1&y=%C3%BC%26\n\
        1 null {\"url\":\"https://h.example:8443/b?z=1#top\"}\n\
        false a=1+2 2\n\
        TypeError Invalid URL: nope";
    assert_eq!(output(body).await, expected);
}

#[tokio::test]
async fn texts_and_bytes() {
    let body = "
        const bytes = new TextEncoder().encode('ü€');
        console.log([...bytes].join(), new TextDecoder().decode(bytes), btoa('hi'), atob('aGk='));
        console.log(new TextDecoder().decode(new Uint8Array([0xff])));
        try { new TextDecoder('utf-8', { fatal: true }).decode(new Uint8Array([0xff])) } catch (error) { console.log(error.name) }
        const copy = structuredClone({ d: new Date(0), m: new Map([[1, { a: [1] }]]) });
        console.log(copy.d instanceof Date, copy.m.get(1).a[0]);
        queueMicrotask(() => console.log('micro')); await null;";
    assert_eq!(output(body).await, "195,188,226,130,172 ü€ aGk= hi\n\u{fffd}\nTypeError\ntrue 1\nmicro");
}

#[tokio::test]
async fn timers_run_in_order() {
    let body = "
        const times = [];
        setTimeout((each) => times.push(each), 30, 'late'); setTimeout(() => times.push('soon'), 5);
        clearTimeout(setTimeout(() => times.push('never'), 1));
        let beats = 0; const beat = setInterval(() => { if (++beats === 3) clearInterval(beat) }, 1);
        const until = Date.now() + 40; while (Date.now() < until) {}
        await new Promise((go) => { const wait = setInterval(() => { if (beats === 3 && times.length === 2) { clearInterval(wait); go() } }, 1) });
        console.log(times.join(), beats);";
    assert_eq!(output(body).await, "soon,late 3");
}

#[tokio::test]
async fn digests_and_macs() {
    let body = "
        const hex = (buffer) => [...new Uint8Array(buffer)].map((b) => b.toString(16).padStart(2, '0')).join('');
        const bytes = (text) => new TextEncoder().encode(text);
        console.log(hex(await crypto.subtle.digest('SHA-256', bytes('abc'))));
        const key = await crypto.subtle.importKey('raw', bytes('key'), { name: 'HMAC', hash: 'SHA-256' }, false, ['sign', 'verify']);
        const mac = await crypto.subtle.sign('HMAC', key, bytes('The quick brown fox jumps over the lazy dog'));
        console.log(hex(mac));
        console.log(await crypto.subtle.verify('HMAC', key, mac, bytes('The quick brown fox jumps over the lazy dog')), await crypto.subtle.verify('HMAC', key, mac, bytes('other')));
        console.log(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/.test(crypto.randomUUID()), crypto.getRandomValues(new Uint8Array(8)).some((b) => b !== 0));
        try { await crypto.subtle.digest('MD5', bytes('')) } catch (error) { console.log(error.name) }
        try { await crypto.subtle.exportKey('raw', key) } catch (error) { console.log(error.name) }";
    let expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad\n\
        f7bc83f430538424b13298e6aa6fb143ef4d59a14946175997479dbc2d1a3cd8\n\
        true false\ntrue true\nNotSupportedError\nInvalidAccessError";
    assert_eq!(output(body).await, expected);
}

#[tokio::test]
async fn what_of_node_is_not_there_says_so() {
    assert!(
        error("process.env.HOME")
            .await
            .starts_with("ReferenceError: process is not available in an action; secrets are in event.secrets")
    );
    assert!(error("Buffer.from('a')").await.contains("Buffer is not available in an action"));
    assert!(error("require('fs')").await.contains("require('fs'): packages are not available"));
}

//! Attempts to get out of an action: to files, to other actions and runs, to the server's environment and network.

use super::world::*;

/// What a body must fail with, or say.
async fn said(body: &str) -> String {
    let run = once(body).await;
    format!("{} {}", run.error.clone().unwrap_or_default(), lines(&run).join("\n"))
}

#[tokio::test]
async fn there_are_no_modules() {
    for module in ["fs", "node:fs", "os", "std", "qjs:os", "qjs:std", "./action.js", "/etc/passwd", "child_process"] {
        let import = said(&format!("const module = await import('{module}'); console.log(Object.keys(module))")).await;
        assert!(import.contains("Error") && !import.contains('['), "{module}: {import}");
        let require = error(&format!("require('{module}')")).await;
        assert!(require.contains("packages are not available"), "{module}: {require}");
    }
    assert!(said("import.meta.url").await.contains("SyntaxError"));
}

#[tokio::test]
async fn the_globals_are_those_that_are_documented() {
    let names = output(
        "console.log(Object.getOwnPropertyNames(globalThis).filter((name) => /^[a-z]/.test(name)).sort().join(' '))",
    )
    .await;
    let documented = "atob btoa clearImmediate clearInterval clearTimeout console crypto decodeURI decodeURIComponent encodeURI \
        encodeURIComponent escape eval fetch globalThis isFinite isNaN parseFloat parseInt performance process queueMicrotask \
        setImmediate setInterval setTimeout structuredClone undefined unescape";
    assert_eq!(names, documented);
    let bodies = [
        "std",
        "os",
        "scriptArgs",
        "print",
        "load",
        "loadScript",
        "Deno",
        "Bun",
        "WebAssembly",
        "global",
        "window",
        "native",
        "headwater",
        "__dirname",
    ];
    for name in bodies {
        assert_eq!(output(&format!("console.log(typeof {name})")).await, "undefined", "{name}");
    }
}

#[tokio::test]
async fn other_ways_to_code_lead_to_the_same_place() {
    let ways = [
        "new Function('return typeof std + typeof os + typeof native')()",
        "(async () => {}).constructor('return typeof std + typeof os + typeof native')()",
        "(0, eval)('typeof std + typeof os + typeof native')",
        "[].constructor.constructor('return typeof std + typeof os + typeof native')()",
        "fetch.constructor('return typeof std + typeof os + typeof native')()",
        "console.log.constructor('return typeof std + typeof os + typeof native')()",
    ];
    for way in ways {
        assert_eq!(output(&format!("console.log(await {way})")).await, "undefinedundefinedundefined", "{way}");
    }
    // The code is wrapped in a function; closing it early changes nothing.
    let action = code(
        "}); globalThis.early = typeof native + typeof glue; (function (exports) { exports.onExecuteEventStream = () => console.log(early)",
    );
    let run = run(&runtime(), &action).await;
    assert!(!lines(&run).join("").contains("object"), "{:?} {:?}", run.error, run.console);
}

#[tokio::test]
async fn nothing_of_a_run_is_there_in_the_next() {
    let (runtime, marker) = marked(action_settings());
    let mark = "
        console.log(typeof globalThis.mark, [].mark, ({}).mark, typeof JSON.mark, fetch.mark, Object.prototype.toString.call([]));
        globalThis.mark = 1; Array.prototype.mark = 1; Object.prototype.mark = 1; JSON.mark = 1; fetch.mark = 1;
        Promise.prototype.then = undefined; JSON.parse = () => ({ secrets: 'forged' });
        Object.prototype.toString = () => 'forged'; globalThis.console = { log() {} };
        throw new Error('so that the console is kept');";
    let runs = runtime.runs_of(action_id());
    for _ in 0..3 {
        let failure = failed(runs.run(&handler(mark), MESSAGE.as_bytes()).await);
        let text = &failure.console[0].text;
        assert_eq!(text, "undefined undefined undefined undefined undefined [object Array]", "{failure:?}");
    }
    // The process was the same one: what is shown is that the engines were not.
    assert_eq!(processes_of(&marker).len(), 1);
}

#[tokio::test]
async fn the_language_turned_upside_down_harms_the_run_alone() {
    let bodies = [
        "JSON.parse = () => { throw 1 }; JSON.stringify = () => '{\"evil\":1}'; try { await fetch('https://h.example') } catch (e) {} throw new Error('own')",
        "Map.prototype.get = () => { throw 1 }; setTimeout(() => {}, 1); await new Promise((go) => setTimeout(go, 5)); throw new Error('own')",
        "Object.defineProperty(Object.prototype, 'then', { get() { throw new Error('own') } }); await {}; throw new Error('own')",
        "Promise.prototype.then = () => { throw new Error('own') }; await null; throw new Error('own')",
        "Object.defineProperty(Error.prototype, 'name', { get() { throw 2 } }); throw new Error('own')",
        "String.prototype.toWellFormed = () => 7; console.log('x'); throw new Error('own')",
        "Symbol.iterator = 1; Array.prototype[Symbol.iterator] = null; try { console.log([1]) } catch (e) {} throw new Error('own')",
    ];
    let runtime = runtime();
    for body in bodies {
        let run = run(&runtime, &handler(body)).await;
        assert!(run.error.is_some(), "{body}");
        assert_eq!(super::world::run(&runtime, &handler("")).await.error, None, "after {body}");
    }
}

#[tokio::test]
async fn the_process_has_no_environment_and_can_open_nothing() {
    use std::fs;
    // It is looked at from outside, in the middle of a run.
    let (runtime, marker) = marked(action_settings());
    let action = handler("await new Promise((go) => setTimeout(go, 3000))");
    let running = run(&runtime, &action);
    let looking = async {
        let pid = process_of(&marker).await;
        // The limits come with the order.
        until(|| limit(pid, "Max open files").as_deref() == Some("3")).await;
        assert_eq!(fs::read(format!("/proc/{pid}/environ")).unwrap(), b"");
        assert_eq!(fs::read_link(format!("/proc/{pid}/cwd")).unwrap().to_str(), Some("/"));
        for name in ["Max processes", "Max file size", "Max core file size"] {
            assert_eq!(limit(pid, name).as_deref(), Some("0"), "{name}");
        }
        let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
        assert!(status.contains("NoNewPrivs:\t1"), "{status}");
        // Nothing that this process has opened: only what it was started with and hands on without wanting to.
        for entry in fs::read_dir(format!("/proc/{pid}/fd")).unwrap() {
            let number: u32 = entry.unwrap().file_name().to_str().unwrap().parse().unwrap();
            let own = fs::read_to_string(format!("/proc/self/fdinfo/{number}")).unwrap_or_default();
            let flags = own.lines().find_map(|line| line.strip_prefix("flags:")).unwrap_or("02000000").trim();
            let is_handed_on = u32::from_str_radix(flags, 8).unwrap() & 0o2_000_000 == 0;
            assert!(number < 3 || is_handed_on, "file {number} is open");
        }
    };
    tokio::select! {
        run = running => panic!("it ended before it was looked at: {:?}", run.error),
        () = looking => {}
    }
}

#[tokio::test]
async fn the_memory_of_the_process_is_bounded_by_the_system_too() {
    let (runtime, marker) = marked(action_settings());
    let action = handler("await new Promise((go) => setTimeout(go, 3000))");
    let running = run(&runtime, &action);
    let looking = async {
        let pid = process_of(&marker).await;
        let bound = (64 + 160) * 1024 * 1024;
        until(|| limit(pid, "Max data size") == Some(bound.to_string())).await;
    };
    tokio::select! {
        run = running => panic!("it ended before it was looked at: {:?}", run.error),
        () = looking => {}
    }
}

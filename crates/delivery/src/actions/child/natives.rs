//! The functions that the prelude is given: what the language cannot do by itself.

use std::rc::Rc;

use aws_lc_rs::{digest, hmac};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use domain::delivery::{ConsoleLevel, ConsoleLine};
use rquickjs::{Ctx, Exception, Function, Object, Result, TypedArray};

use super::engine::World;
use super::urls;
use crate::actions::frames::{Answer, Ask, CacheAsk, Fetch, FetchHead};

/// All of them, as one object.
pub(super) fn all<'js>(ctx: &Ctx<'js>, world: &Rc<World>) -> Result<Object<'js>> {
    let native = Object::new(ctx.clone())?;
    outwards(ctx, world, &native)?;
    randomness(ctx, world, &native)?;
    texts(ctx, &native)?;
    Ok(native)
}

/// What reaches beyond the process.
fn outwards<'js>(ctx: &Ctx<'js>, world: &Rc<World>, native: &Object<'js>) -> Result<()> {
    let here = Rc::clone(world);
    native.set("write", Function::new(ctx.clone(), move |level: String, text: String| write(&here, &level, text))?)?;
    let here = Rc::clone(world);
    let fetching = move |ctx: Ctx<'js>, head: String, body: Option<String>| fetch(&ctx, &here, &head, body.as_deref());
    native.set("fetch", Function::new(ctx.clone(), fetching)?)?;
    let here = Rc::clone(world);
    native.set("cache", Function::new(ctx.clone(), move |ctx: Ctx<'js>, ask: String| cache(&ctx, &here, &ask))?)?;
    let here = Rc::clone(world);
    let failing = move |reason: String| {
        here.gave_up.borrow_mut().get_or_insert(reason);
    };
    native.set("fail", Function::new(ctx.clone(), failing)?)?;
    let here = Rc::clone(world);
    native.set("now", Function::new(ctx.clone(), move || here.clock.now().steady.as_secs_f64() * 1000.0)?)
}

fn write(world: &World, level: &str, mut text: String) {
    let left = world.console_left.get();
    if left == 0 {
        return;
    }
    let level = match level {
        "debug" => ConsoleLevel::Debug,
        "info" => ConsoleLevel::Info,
        "warn" => ConsoleLevel::Warn,
        "error" => ConsoleLevel::Error,
        _ => ConsoleLevel::Log,
    };
    if text.len() >= left {
        text.truncate(text.floor_char_boundary(left));
        text.push_str(" … (the rest is not kept)");
        world.console_left.set(0);
    } else {
        // An empty line takes room as well.
        world.console_left.set(left - text.len().max(1));
    }
    world.wrote(ConsoleLine { level, text });
}

fn fetch(ctx: &Ctx<'_>, world: &World, head: &str, body: Option<&str>) -> Result<f64> {
    let refused = |message: &str| Exception::throw_type(ctx, message);
    let head: FetchHead = serde_json::from_str(head).map_err(|_| refused("the request cannot be sent"))?;
    let body = body.map(|body| from_binary(ctx, body)).transpose()?;
    let limits = &world.limits;
    if body.as_ref().is_some_and(|body| body.len() > limits.request_bytes) {
        return Err(refused(&format!("the body is longer than {} bytes", limits.request_bytes)));
    }
    let left = world.requests_left.get().checked_sub(1);
    let left = left.ok_or_else(|| refused(&format!("a run makes {} requests at most", limits.requests)))?;
    world.requests_left.set(left);
    let id = world.line.borrow_mut().ask(Ask::Fetch(Fetch { head, body: body.map(|body| STANDARD.encode(body)) }));
    #[expect(clippy::cast_precision_loss, reason = "a process does not live to ask so often")]
    Ok(id as f64)
}

fn cache(ctx: &Ctx<'_>, world: &World, ask: &str) -> Result<String> {
    let ask: CacheAsk =
        serde_json::from_str(ask).map_err(|_| Exception::throw_type(ctx, "api.cache: not as expected"))?;
    match world.line.borrow_mut().ask_and_wait(Ask::Cache(ask)) {
        Answer::Cached(value) => Ok(value.to_string()),
        Answer::Refused(message) => Err(Exception::throw_type(ctx, &message)),
        Answer::Fetched { .. } => Err(Exception::throw_type(ctx, "api.cache: not as expected")),
    }
}

fn randomness<'js>(ctx: &Ctx<'js>, world: &Rc<World>, native: &Object<'js>) -> Result<()> {
    let here = Rc::clone(world);
    let random = move |ctx: Ctx<'js>, length: usize| {
        let mut bytes = vec![0; length];
        here.entropy.fill(&mut bytes);
        TypedArray::new(ctx, bytes)
    };
    native.set("random", Function::new(ctx.clone(), random)?)?;
    let here = Rc::clone(world);
    let uuid = move || {
        let mut bytes = [0; 16];
        here.entropy.fill(&mut bytes);
        uuid(bytes)
    };
    native.set("randomUuid", Function::new(ctx.clone(), uuid)?)
}

/// A random UUID, version 4.
fn uuid(mut bytes: [u8; 16]) -> String {
    bytes[6] = (bytes[6] & 0x0f) | 0x40;
    bytes[8] = (bytes[8] & 0x3f) | 0x80;
    let digits = format!("{:032x}", u128::from_be_bytes(bytes));
    format!("{}-{}-{}-{}-{}", &digits[..8], &digits[8..12], &digits[12..16], &digits[16..20], &digits[20..])
}

/// Texts, bytes and what is computed of them.
fn texts<'js>(ctx: &Ctx<'js>, native: &Object<'js>) -> Result<()> {
    let encode = |ctx: Ctx<'js>, text: String| TypedArray::new(ctx, text.into_bytes());
    native.set("utf8Encode", Function::new(ctx.clone(), encode)?)?;
    native.set(
        "utf8Decode",
        Function::new(ctx.clone(), |ctx: Ctx<'js>, data: String, fatal: bool| utf8_decode(&ctx, &data, fatal))?,
    )?;
    native.set(
        "digest",
        Function::new(ctx.clone(), |ctx: Ctx<'js>, name: String, data: String| {
            let data = from_binary(&ctx, &data)?;
            TypedArray::new(ctx.clone(), digest::digest(hash(&ctx, &name)?.0, &data).as_ref())
        })?,
    )?;
    native.set(
        "hmac",
        Function::new(ctx.clone(), |ctx: Ctx<'js>, name: String, key: String, data: String| {
            let key = hmac::Key::new(hash(&ctx, &name)?.1, &from_binary(&ctx, &key)?);
            let data = from_binary(&ctx, &data)?;
            TypedArray::new(ctx, hmac::sign(&key, &data).as_ref())
        })?,
    )?;
    let parse = |text: String, base: Option<String>| urls::parse(&text, base.as_deref());
    native.set("urlParse", Function::new(ctx.clone(), parse)?)?;
    let set = |href: String, part: String, value: String| urls::set(&href, &part, &value);
    native.set("urlSet", Function::new(ctx.clone(), set)?)?;
    native.set("formParse", Function::new(ctx.clone(), |text: String| urls::form_parse(&text))?)?;
    native.set("formSerialize", Function::new(ctx.clone(), |pairs: String| urls::form_serialize(&pairs))?)
}

fn utf8_decode(ctx: &Ctx<'_>, data: &str, fatal: bool) -> Result<Option<String>> {
    Ok(match String::from_utf8(from_binary(ctx, data)?) {
        Ok(text) => Some(text),
        Err(_) if fatal => None,
        Err(error) => Some(String::from_utf8_lossy(error.as_bytes()).into_owned()),
    })
}

/// The bytes that a string of one character a byte stands for.
fn from_binary(ctx: &Ctx<'_>, text: &str) -> Result<Vec<u8>> {
    let bytes = text.chars().map(|each| u8::try_from(u32::from(each)));
    bytes.collect::<std::result::Result<_, _>>().map_err(|_| Exception::throw_type(ctx, "expected bytes"))
}

fn hash(ctx: &Ctx<'_>, name: &str) -> Result<(&'static digest::Algorithm, hmac::Algorithm)> {
    match name {
        "SHA-1" => Ok((&digest::SHA1_FOR_LEGACY_USE_ONLY, hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY)),
        "SHA-256" => Ok((&digest::SHA256, hmac::HMAC_SHA256)),
        "SHA-384" => Ok((&digest::SHA384, hmac::HMAC_SHA384)),
        "SHA-512" => Ok((&digest::SHA512, hmac::HMAC_SHA512)),
        _ => Err(Exception::throw_type(ctx, "no such hash")),
    }
}

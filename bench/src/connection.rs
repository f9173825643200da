//! One keep-alive HTTP/1.1 connection of the load generator, driven by whoever uses it.

use std::future::poll_fn;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::task::Context;

use anyhow::Context as _;
use bytes::{Bytes, BytesMut};
use http_body_util::Full;
use hyper::body::Body;
use hyper::client::conn::http1;
use hyper::header::{CONTENT_TYPE, HOST, HeaderMap, HeaderValue};
use hyper::{Method, Request, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

type Driver = http1::Connection<TokioIo<TcpStream>, Full<Bytes>>;

/// A connection over loopback.
pub(crate) struct Connection {
    sender: http1::SendRequest<Full<Bytes>>,
    /// `None` once the other side has closed it.
    driver: Option<Driver>,
    host: HeaderValue,
}

/// What was answered.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) body: Bytes,
}

impl Answer {
    /// The beginning of the body, for a message.
    pub(crate) fn excerpt(&self) -> String {
        String::from_utf8_lossy(&self.body[..self.body.len().min(300)]).into_owned()
    }
}

impl Connection {
    pub(crate) async fn open(address: SocketAddr) -> anyhow::Result<Self> {
        let socket = TcpStream::connect(address).await.with_context(|| format!("{address} cannot be reached"))?;
        socket.set_nodelay(true)?;
        let (sender, driver) = http1::handshake(TokioIo::new(socket)).await?;
        Ok(Self { sender, driver: Some(driver), host: HeaderValue::from_str(&address.to_string())? })
    }

    /// Posts a body of this content type; `headers` come on top.
    pub(crate) async fn post(
        &mut self,
        path: &str,
        content_type: &'static str,
        headers: &HeaderMap,
        body: Bytes,
    ) -> anyhow::Result<Answer> {
        let mut request = Request::new(Full::new(body));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = path.parse()?;
        *request.headers_mut() = headers.clone();
        request.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
        self.exchange(request).await
    }

    pub(crate) async fn call(&mut self, mut request: Request<Full<Bytes>>) -> anyhow::Result<Answer> {
        request.headers_mut().entry(CONTENT_TYPE).or_insert(HeaderValue::from_static("application/json"));
        self.exchange(request).await
    }

    async fn exchange(&mut self, mut request: Request<Full<Bytes>>) -> anyhow::Result<Answer> {
        request.headers_mut().insert(HOST, self.host.clone());
        let mut answer = pin!(self.sender.send_request(request));
        let answer = poll_fn(|cx| {
            drive(&mut self.driver, cx);
            answer.as_mut().poll(cx)
        });
        let answer = answer.await?;
        let status = answer.status();
        let mut body = answer.into_body();
        let mut read = BytesMut::new();
        while !body.is_end_stream() {
            let frame = poll_fn(|cx| {
                drive(&mut self.driver, cx);
                Pin::new(&mut body).poll_frame(cx)
            });
            let Some(frame) = frame.await else { break };
            if let Some(data) = frame?.data_ref() {
                read.extend_from_slice(data);
            }
        }
        Ok(Answer { status, body: read.freeze() })
    }
}

/// Does what can be done now. An ended driver is dropped, which ends whatever waits for it.
fn drive(driver: &mut Option<Driver>, cx: &mut Context<'_>) {
    if let Some(running) = driver
        && Pin::new(running).poll(cx).is_ready()
    {
        *driver = None;
    }
}

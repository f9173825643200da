//! A tunnel through a proxy (`CONNECT`, RFC 9110).

use std::io;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use domain::proxy::{Credentials, Proxy};
use domain::secret::Secret;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use super::error::{Peer, SendError};

/// Asks a proxy for a tunnel to one endpoint.
pub(super) struct Tunnel {
    /// The whole request: it is the same each time, and has the credentials in it.
    request: Secret,
    answer_head_bytes_max: usize,
}

impl Tunnel {
    /// A tunnel to `authority`, which is a host and a port.
    pub(super) fn new(proxy: &Proxy, authority: &str, user_agent: &str, answer_head_bytes_max: usize) -> Self {
        let authorization = proxy.credentials().map(authorization).unwrap_or_default();
        let request = format!(
            "CONNECT {authority} HTTP/1.1\r\nhost: {authority}\r\nuser-agent: {user_agent}\r\n{authorization}\r\n"
        );
        Self { request: Secret::new(request), answer_head_bytes_max }
    }

    /// Has the proxy connect. Afterwards the socket is as if the receiver were at its other end.
    pub(super) async fn open<S: AsyncRead + AsyncWrite + Unpin>(&self, socket: &mut S) -> Result<(), SendError> {
        let broken = |error: io::Error| SendError::connecting(Peer::Proxy, &error);
        socket.write_all(self.request.expose().as_bytes()).await.map_err(broken)?;
        socket.flush().await.map_err(broken)?;
        let head = self.read_head(socket).await?;
        match status(&head) {
            Some(200..=299) => Ok(()),
            Some(status @ 100..=999) => Err(SendError::Broken(format!("the proxy answered {status} to CONNECT"))),
            _ => Err(SendError::Broken("the proxy's answer to CONNECT is not HTTP/1.1".to_owned())),
        }
    }

    /// Reads up to the empty line. What a proxy sends beyond it before we have spoken is not the receiver's.
    async fn read_head<S: AsyncRead + Unpin>(&self, socket: &mut S) -> Result<Vec<u8>, SendError> {
        let mut head = Vec::with_capacity(256);
        loop {
            if let Some(at) = head.windows(4).position(|window| window == b"\r\n\r\n") {
                return if at + 4 == head.len() {
                    Ok(head)
                } else {
                    Err(SendError::Broken("the proxy sent more than an answer to CONNECT".to_owned()))
                };
            }
            if head.len() >= self.answer_head_bytes_max {
                return Err(SendError::Broken("the proxy's answer to CONNECT is too long".to_owned()));
            }
            let mut limited = (&mut *socket).take((self.answer_head_bytes_max - head.len()) as u64);
            match limited.read_buf(&mut head).await {
                Ok(0) => return Err(SendError::Broken("the proxy closed the connection".to_owned())),
                Ok(_) => {}
                Err(error) => return Err(SendError::connecting(Peer::Proxy, &error)),
            }
        }
    }
}

fn authorization(credentials: &Credentials) -> String {
    let pair = format!("{}:{}", credentials.username, credentials.password.expose());
    format!("proxy-authorization: Basic {}\r\n", STANDARD.encode(pair))
}

/// The number in `HTTP/1.1 200 Connection established`.
fn status(head: &[u8]) -> Option<u16> {
    let rest = head.strip_prefix(b"HTTP/1.1 ").or_else(|| head.strip_prefix(b"HTTP/1.0 "))?;
    let (digits, rest) = rest.split_at_checked(3)?;
    let ends = matches!(rest.first(), Some(b' ' | b'\r'));
    let number = std::str::from_utf8(digits).ok().filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()))?;
    if ends { number.parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn opened(answer: &str) -> Result<String, String> {
        let proxy = Proxy::parse("http://ja%20ne:pa%3Ass@proxy.example:3128", None).unwrap();
        let tunnel = Tunnel::new(&proxy, "hooks.example:443", "headwater/x", 1024);
        let (mut ours, mut theirs) = tokio::io::duplex(4096);
        theirs.write_all(answer.as_bytes()).await.unwrap();
        theirs.shutdown().await.unwrap();
        tunnel.open(&mut ours).await.map_err(|error| error.to_string())?;
        let mut asked = vec![0; 4096];
        let length = theirs.read(&mut asked).await.unwrap();
        Ok(String::from_utf8_lossy(&asked[..length]).into_owned())
    }

    #[tokio::test]
    async fn the_request_is_exact() {
        let asked = opened("HTTP/1.1 200 Connection established\r\nvia: x\r\n\r\n").await.unwrap();
        assert_eq!(
            asked,
            "CONNECT hooks.example:443 HTTP/1.1\r\nhost: hooks.example:443\r\nuser-agent: headwater/x\r\n\
             proxy-authorization: Basic amEgbmU6cGE6c3M=\r\n\r\n"
        );
    }

    #[tokio::test]
    async fn every_other_answer_is_a_failure() {
        for (answer, message) in [
            ("HTTP/1.1 407 Proxy Authentication Required\r\n\r\n", "the proxy answered 407 to CONNECT"),
            ("HTTP/1.1 100 Continue\r\n\r\n", "the proxy answered 100 to CONNECT"),
            ("HTTP/1.1 302 Found\r\nlocation: http://169.254.169.254/\r\n\r\n", "the proxy answered 302 to CONNECT"),
            ("HTTP/1.1 2000 OK\r\n\r\n", "the proxy's answer to CONNECT is not HTTP/1.1"),
            ("HTTP/2 200\r\n\r\n", "the proxy's answer to CONNECT is not HTTP/1.1"),
            ("SSH-2.0-x\r\n\r\n", "the proxy's answer to CONNECT is not HTTP/1.1"),
            ("HTTP/1.1 200 OK\r\n\r\nsmuggled", "the proxy sent more than an answer to CONNECT"),
            ("HTTP/1.1 200 OK\r\n", "the proxy closed the connection"),
            ("", "the proxy closed the connection"),
        ] {
            assert_eq!(opened(answer).await, Err(message.to_owned()), "{answer:?}");
        }
        let endless = format!("HTTP/1.1 200 OK\r\n{}", "x: y\r\n".repeat(500));
        assert_eq!(opened(&endless).await, Err("the proxy's answer to CONNECT is too long".to_owned()));
    }
}

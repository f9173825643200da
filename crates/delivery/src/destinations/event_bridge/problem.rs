//! What is wrong with a call to AWS or with one of its entries, and whether trying again can help.

use std::error::Error;

use aws_sdk_eventbridge::config::http::HttpResponse;
use aws_sdk_eventbridge::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_sts::operation::assume_role::AssumeRoleError;
use domain::delivery::FailureKind;

use super::partner::NOT_THERE;

/// How much of what AWS says is told.
const MESSAGE_CHARS_MAX: usize = 500;

/// Codes of errors that say that there is too much at the moment.
const THROTTLED: &[&str] = &[
    "ThrottlingException",
    "Throttling",
    "ThrottledException",
    "RequestThrottled",
    "RequestThrottledException",
    "RequestLimitExceeded",
    "TooManyRequestsException",
    "PriorRequestNotComplete",
    "SlowDown",
];
/// Codes of errors of AWS's own.
const INTERNAL: &[&str] = &["InternalException", "InternalFailure", "InternalServerError", "ServiceUnavailable"];
/// Codes of errors that end when credentials have been renewed.
const EXPIRED: &[&str] = &["ExpiredToken", "ExpiredTokenException", "RequestExpired"];
/// Codes of errors that may be one entry's fault although the whole request is refused.
const OF_ONE_ENTRY: &[&str] = &["ValidationException", "ValidationError", "RequestEntityTooLargeException"];

/// Why an entry was not taken.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Problem {
    pub(super) kind: FailureKind,
    pub(super) message: String,
    /// The request was refused as a whole, and may be taken without one of its entries.
    pub(super) of_one_entry: bool,
}

impl Problem {
    pub(super) fn refused(message: impl Into<String>) -> Self {
        Self { kind: FailureKind::Refused, message: message.into(), of_one_entry: false }
    }

    pub(super) fn unreachable(message: impl Into<String>) -> Self {
        Self { kind: FailureKind::Unreachable, message: message.into(), of_one_entry: false }
    }

    pub(super) fn timeout() -> Self {
        let message = "AWS did not answer within the time of an attempt".to_owned();
        Self { kind: FailureKind::Timeout, message, of_one_entry: false }
    }

    /// What AWS says about one entry of a request that it has taken.
    pub(super) fn of_entry(code: &str, message: Option<&str>) -> Self {
        Self { of_one_entry: false, ..Self::answered(code, message, None) }
    }

    /// What became of a request as a whole.
    pub(super) fn of_call<E>(error: &SdkError<E, HttpResponse>) -> Self
    where
        E: ProvideErrorMetadata + Error + 'static,
    {
        match error {
            SdkError::ServiceError(failed) => {
                let status = failed.raw().status().as_u16();
                match failed.err().code() {
                    Some(code) => Self::answered(code, failed.err().message(), Some(status)),
                    None => Self::unreadable(status),
                }
            }
            SdkError::TimeoutError(_) => Self::timeout(),
            SdkError::ResponseError(failed) => Self::unreadable(failed.raw().status().as_u16()),
            SdkError::ConstructionFailure(_) => Self::refused(causes(error)),
            _ => of_assumed_role(error).unwrap_or_else(|| match error {
                SdkError::DispatchFailure(failed) if failed.is_timeout() => Self::timeout(),
                _ => Self::unreachable(format!("AWS could not be reached: {}", causes(error))),
            }),
        }
    }

    fn answered(code: &str, message: Option<&str>, status: Option<u16>) -> Self {
        let told = format!("{code}: {}", first_line(message.unwrap_or("no message")));
        let is = |codes: &[&str]| codes.contains(&code);
        if is(THROTTLED) || status == Some(429) {
            return Self::status(429, told);
        }
        if is(INTERNAL) || status.is_some_and(|status| status >= 500) {
            return Self::status(status.filter(|status| *status >= 500).unwrap_or(500), told);
        }
        if is(EXPIRED) {
            return Self::unreachable(told);
        }
        Self { of_one_entry: is(OF_ONE_ENTRY) || status == Some(413), ..Self::refused(told) }
    }

    /// Of events as a partner: where AWS says by `code` that there is no such partner event source, the server may still be
    /// having it made.
    pub(super) fn unless_it_is_made(self, code: Option<&str>) -> Self {
        let kind = if code == Some(NOT_THERE) { FailureKind::Unreachable } else { self.kind };
        Self { kind, ..self }
    }

    /// An answer that AWS does not give: something else may have answered in its place.
    fn unreadable(status: u16) -> Self {
        let message = format!("AWS answered {status}, and something that cannot be read");
        if status >= 500 || status == 429 { Self::status(status, message) } else { Self::unreachable(message) }
    }

    fn status(status: u16, message: String) -> Self {
        Self { kind: FailureKind::Status { status, retry_after: None }, message, of_one_entry: false }
    }
}

/// What AWS said when the role was to be taken on, where that is why there was no call.
fn of_assumed_role(error: &(dyn Error + 'static)) -> Option<Problem> {
    let mut cause = Some(error);
    while let Some(each) = cause {
        if let Some(SdkError::ServiceError(failed)) = each.downcast_ref::<SdkError<AssumeRoleError, HttpResponse>>() {
            return Some(assume_role_refused(failed.err(), failed.raw().status().as_u16()));
        }
        if let Some(refused) = each.downcast_ref::<AssumeRoleError>() {
            return Some(assume_role_refused(refused, 0));
        }
        cause = each.source();
    }
    None
}

fn assume_role_refused(error: &AssumeRoleError, status: u16) -> Problem {
    let code = error.code().unwrap_or("no code");
    let problem = Problem::answered(code, error.message(), Some(status));
    Problem { message: format!("the role cannot be assumed: {}", problem.message), of_one_entry: false, ..problem }
}

/// An error with its causes, each said once.
fn causes(error: &(dyn Error + 'static)) -> String {
    let (mut told, mut cause) = (error.to_string(), error.source());
    while let Some(each) = cause {
        let text = each.to_string();
        if !told.contains(&text) {
            told = format!("{told}: {text}");
        }
        cause = each.source();
    }
    first_line(&told)
}

/// What follows the first line of a message may be what was signed.
fn first_line(text: &str) -> String {
    text.lines().next().unwrap_or_default().chars().take(MESSAGE_CHARS_MAX).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_can_pass_is_tried_again_and_what_cannot_is_refused() {
        let kind = |code: &str, status| Problem::answered(code, Some("it is so"), status).kind;
        let status = |status| FailureKind::Status { status, retry_after: None };
        assert_eq!(kind("ThrottlingException", Some(400)), status(429));
        assert_eq!(kind("ThrottlingException", None), status(429));
        assert_eq!(kind("InternalFailure", None), status(500));
        assert_eq!(kind("Whatever", Some(503)), status(503));
        assert_eq!(kind("ExpiredTokenException", Some(400)), FailureKind::Unreachable);
        for code in ["AccessDeniedException", "ResourceNotFoundException", "ValidationException", "MalformedDetail"] {
            assert_eq!(kind(code, Some(400)), FailureKind::Refused, "{code}");
        }
    }

    #[test]
    fn what_was_signed_is_not_told() {
        let message = "The request signature does not match.\n\nThe Canonical String was\nx-amz-security-token:s3cret";
        let problem = Problem::answered("InvalidSignatureException", Some(message), Some(403));
        assert_eq!(problem.message, "InvalidSignatureException: The request signature does not match.");
        assert!(Problem::of_entry("X", Some(&"y".repeat(9000))).message.len() < 1000);
    }
}

//! A role of the stream's account is assumed to put events.

use domain::delivery::FailureKind;

use super::fixture::{aws, bus, deliver, deliver_at_once, destination, endpoint, header, numbered, taken};
use crate::receivers::fixture::{AMPLE, assert_delivered, assert_failed};

const ROLE: &str = "arn:aws:iam::{account}:role/events";

fn xml(status: u16, body: &str) -> String {
    let length = body.len();
    format!("HTTP/1.1 {status} X\r\ncontent-type: text/xml\r\ncontent-length: {length}\r\n\r\n{body}")
}

fn assumed() -> String {
    xml(
        200,
        "<AssumeRoleResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><AssumeRoleResult>\
         <AssumedRoleUser><AssumedRoleId>A:headwater</AssumedRoleId><Arn>arn:aws:sts::1:assumed-role/events/headwater\
         </Arn></AssumedRoleUser><Credentials><AccessKeyId>AKIDOFTHEROLE</AccessKeyId>\
         <SecretAccessKey>secret-of-the-role</SecretAccessKey><SessionToken>token-of-the-role</SessionToken>\
         <Expiration>2099-01-01T00:00:00Z</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>",
    )
}

#[tokio::test]
async fn the_role_of_the_streams_account_is_assumed_once_for_many_streams() {
    let mut endpoint =
        endpoint(|request| if request.contains("Action=AssumeRole") { assumed() } else { taken(request) }).await;
    let aws = aws(&endpoint);
    let first = destination(&aws, bus(Some(ROLE)), 1, AMPLE);
    assert_delivered(&deliver(&first, numbered(1)).await);
    let asked = endpoint.next_request().await;
    assert!(asked.contains("RoleArn=arn%3Aaws%3Aiam%3A%3A123456789012%3Arole%2Fevents"), "{asked}");
    let put = endpoint.next_request().await;
    assert!(header(&put, "authorization").contains("Credential=AKIDOFTHEROLE/"), "{put}");
    assert_eq!(header(&put, "x-amz-security-token"), "token-of-the-role");
    let second = destination(&aws, bus(Some(ROLE)), 2, AMPLE);
    for outcome in deliver_at_once(&second, 3).await {
        assert_delivered(&outcome);
    }
    assert!(header(&endpoint.next_request().await, "authorization").contains("Credential=AKIDOFTHEROLE/"));
    assert!(endpoint.nothing_arrived());
}

#[tokio::test]
async fn a_role_that_may_not_be_assumed_fails_at_once_with_what_aws_says() {
    let endpoint = endpoint(|_| {
        xml(
            403,
            "<ErrorResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><Error><Type>Sender</Type>\
             <Code>AccessDenied</Code><Message>User x is not authorized to perform: sts:AssumeRole</Message></Error>\
             <RequestId>1</RequestId></ErrorResponse>",
        )
    })
    .await;
    let destination = destination(&aws(&endpoint), bus(Some(ROLE)), 1, AMPLE);
    assert_failed(
        deliver(&destination, numbered(1)).await,
        FailureKind::Refused,
        "the role cannot be assumed: AccessDenied: User x is not authorized to perform: sts:AssumeRole",
    );
}

"""The owner's side of an AWS account, as moto plays it.

`bus.py bus NAME SOURCE` makes an event bus with a rule that sends what comes from SOURCE to a queue.
`bus.py receive COUNT` waits for so many events in that queue and prints them, a JSON list.
`bus.py source NAME STATE` waits until the partner event source of that name is in that state.
"""
import json
import sys
import time

import boto3
import botocore.exceptions

ACCOUNT = "222222222222"
REGION = "eu-west-1"
QUEUE = "identity"
PATIENCE_S = 30


def session():
    sts = boto3.client("sts", region_name=REGION)
    owner = sts.assume_role(RoleArn=f"arn:aws:iam::{ACCOUNT}:role/owner", RoleSessionName="owner")["Credentials"]
    return boto3.Session(
        aws_access_key_id=owner["AccessKeyId"],
        aws_secret_access_key=owner["SecretAccessKey"],
        aws_session_token=owner["SessionToken"],
        region_name=REGION,
    )


def bus(name, source):
    events, sqs = session().client("events"), session().client("sqs")
    queue = sqs.create_queue(QueueName=QUEUE)["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    events.create_event_bus(Name=name)
    pattern = json.dumps({"source": [source], "detail-type": ["user.created", "user.updated"]})
    events.put_rule(Name="users", EventBusName=name, EventPattern=pattern)
    failed = events.put_targets(Rule="users", EventBusName=name, Targets=[{"Id": "queue", "Arn": arn}])
    assert failed["FailedEntryCount"] == 0, failed


def receive(count):
    sqs = session().client("sqs")
    queue = sqs.get_queue_url(QueueName=QUEUE)["QueueUrl"]
    received, deadline = [], time.monotonic() + PATIENCE_S
    while len(received) < count and time.monotonic() < deadline:
        answer = sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10, WaitTimeSeconds=1)
        for message in answer.get("Messages", []):
            received.append(json.loads(message["Body"]))
            sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
    print(json.dumps(received))


def source(name, state):
    events, found, deadline = session().client("events"), None, time.monotonic() + PATIENCE_S
    while found != state:
        if time.monotonic() > deadline:
            sys.exit(f"{name} is {found}, not {state}")
        try:
            found = events.describe_event_source(Name=name)["State"]
        except botocore.exceptions.ClientError as error:
            # moto answers so about one that is not there.
            assert error.response["ResponseMetadata"]["HTTPStatusCode"] == 500, error
            time.sleep(0.05)


if __name__ == "__main__":
    command, *words = sys.argv[1:]
    if command == "bus":
        bus(*words)
    elif command == "receive":
        receive(int(words[0]))
    elif command == "source":
        source(*words)
    else:
        sys.exit(f"there is no command {command}")

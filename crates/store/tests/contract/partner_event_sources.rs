//! Partner event sources: noted with their streams, until AWS has them as they are wanted.

use domain::change::{Revision, Write};
use domain::destination::{AwsAccountId, AwsRegion, Destination, EventBridge, PartnerEventSource};
use domain::ids::StreamId;
use domain::stream::EventStream;
use store::SourceWanted::{self, Gone, There};
use store::{PartnerEventSources, StoreError};

use crate::backend::{Backend, House};
use crate::samples::{self, changed, created};

fn source(number: u64) -> EventBridge {
    EventBridge {
        account: AwsAccountId::parse("123456789012").unwrap(),
        region: AwsRegion::from_name("eu-west-1").unwrap(),
        partner_event_source: PartnerEventSource::from_stored(format!("aws.partner/auth0.com/acme-{number}/events")),
    }
}

fn bridged(number: u64) -> EventStream {
    EventStream { destination: Destination::EventBridge(source(number)), ..samples::stream(number) }
}

async fn unsettled<B: Backend>(house: &House<'_, B>) -> Vec<(StreamId, SourceWanted)> {
    let all = house.store.sources_take_up(None, 100).await.unwrap();
    all.into_iter().map(|each| (each.stream, each.wanted)).collect()
}

async fn delete<B: Backend>(house: &House<'_, B>, stream: &EventStream) {
    house.commit(Write::StreamDelete(Revision(1), stream.id)).await.unwrap();
}

pub(crate) async fn a_source_is_wanted_as_long_as_its_stream_is_there<B: Backend>(backend: &B) {
    let house = House::open(backend).await;
    house.stream(1).await;
    assert_eq!(unsettled(&house).await, [], "a webhook has none");
    let stream = bridged(2);
    house.commit(created(&stream)).await.unwrap();
    let found = house.store.sources_take_up(None, 100).await.unwrap();
    assert_eq!(found.len(), 1);
    assert_eq!((&found[0].source, found[0].wanted), (&source(2), There));
    let house = house.reopen().await;
    assert_eq!(unsettled(&house).await, [(stream.id, There)], "until somebody says that it is settled");
    house.store.source_settled(stream.id, There).await.unwrap();
    assert_eq!(unsettled(&house).await, []);
    house.commit(changed(1, &EventStream { name: None, ..stream.clone() })).await.unwrap();
    assert_eq!(unsettled(&house).await, [], "a source never changes");

    house.commit(Write::StreamDelete(Revision(2), stream.id)).await.unwrap();
    let house = house.reopen().await;
    let found = house.store.sources_take_up(None, 100).await.unwrap();
    assert_eq!((found.len(), &found[0].source, found[0].wanted), (1, &source(2), Gone));
    house.store.source_settled(stream.id, Gone).await.unwrap();
    assert_eq!(unsettled(&house.reopen().await).await, []);
}

pub(crate) async fn a_stream_that_goes_while_its_source_is_made_has_it_deleted<B: Backend>(backend: &B) {
    let house = House::open(backend).await;
    let stream = bridged(1);
    house.commit(created(&stream)).await.unwrap();
    assert_eq!(unsettled(&house).await, [(stream.id, There)]);
    delete(&house, &stream).await;
    // What was asked for has been done meanwhile: it is not what is wanted any more.
    house.store.source_settled(stream.id, There).await.unwrap();
    assert_eq!(unsettled(&house).await, [(stream.id, Gone)]);
    house.store.source_settled(stream.id, Gone).await.unwrap();
    assert_eq!(unsettled(&house).await, []);
}

pub(crate) async fn nothing_is_left_of_a_source_that_nobody_has_taken_up<B: Backend>(backend: &B) {
    let house = House::open(backend).await;
    house.commit(created(&bridged(1))).await.unwrap();
    delete(&house, &bridged(1)).await;
    // Nor of one whose stream was refused.
    house.stream(2).await;
    let refused = EventStream { name: samples::stream(2).name, ..bridged(3) };
    assert!(matches!(house.commit(created(&refused)).await, Err(StoreError::Conflict(_))));
    assert_eq!(unsettled(&house).await, []);
}

pub(crate) async fn sources_are_taken_up_in_pages<B: Backend>(backend: &B) {
    let house = House::open(backend).await;
    for number in 1..=5 {
        house.commit(created(&bridged(number))).await.unwrap();
    }
    let (mut after, mut pages) = (None, Vec::new());
    loop {
        let page = house.store.sources_take_up(after, 2).await.unwrap();
        let Some(last) = page.last() else { break };
        after = Some(last.stream);
        pages.push(page.into_iter().map(|each| each.stream).collect::<Vec<_>>());
    }
    let id = |number| bridged(number).id;
    assert_eq!(pages, [vec![id(1), id(2)], vec![id(3), id(4)], vec![id(5)]]);
    assert_eq!(unsettled(&house).await.len(), 5);
}

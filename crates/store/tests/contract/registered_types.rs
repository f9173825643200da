//! Types of events that tenants register.

use domain::catalog::EventType;
use domain::change::Write;
use domain::event::Event;
use domain::ids::RegisteredTypeId;
use domain::registered_type::{REGISTERED_TYPES_MAX, TypeDefinition, TypeName};
use serde_json::json;
use store::{Conflict, RegisteredTypes, State, StoreError};

use crate::backend::{Backend, House};
use crate::samples::{self, at, event, raised};

fn definition(name: &str) -> TypeDefinition {
    TypeDefinition {
        name: TypeName::parse(name).unwrap(),
        description: "Something happened.".to_owned(),
        schema: json!({"type": "object"}),
        example: Some(json!({})),
        created_at: at(1),
        updated_at: at(2),
    }
}

pub(crate) async fn registered_types_are_kept_changed_and_removed<B: Backend>(backend: &B) {
    let house = House::open(backend).await;
    let (b, a) = (definition("com.example.b"), definition("com.example.a"));
    for each in [&b, &a] {
        house.store.registered_type_add(house.tenant, each.clone()).await.unwrap();
    }
    let house = house.reopen().await;
    let found = house.store.registered_types(house.tenant).await.unwrap();
    let definitions: Vec<_> = found.iter().map(|each| &each.value.definition).collect();
    assert_eq!(definitions, [&a, &b]);
    assert_ne!(found[0].value.id, found[1].value.id);
    let taken = house.store.registered_type_add(house.tenant, a.clone()).await;
    assert!(matches!(taken, Err(StoreError::Conflict(Conflict::TypeName))), "{taken:?}");
    let changed = TypeDefinition { description: "Else.".to_owned(), example: None, ..a.clone() };
    house.store.registered_type_change(house.tenant, found[0].revision, changed.clone()).await.unwrap();
    let stale = house.store.registered_type_change(house.tenant, found[0].revision, a.clone()).await;
    assert!(matches!(stale, Err(StoreError::Stale)), "{stale:?}");
    let now = house.store.registered_types(house.tenant).await.unwrap();
    assert_eq!((now[0].value.id, &now[0].value.definition), (found[0].value.id, &changed));
    let stale = house.store.registered_type_remove(house.tenant, found[0].revision, a.name.clone()).await;
    assert!(matches!(stale, Err(StoreError::Stale)), "{stale:?}");
    house.store.registered_type_remove(house.tenant, now[0].revision, a.name.clone()).await.unwrap();
    // What is registered later is another type, also by the same name.
    house.store.registered_type_add(house.tenant, a).await.unwrap();
    let again = house.store.registered_types(house.tenant).await.unwrap();
    assert!(found.iter().all(|former| former.value.id != again[0].value.id));
}

pub(crate) async fn a_registered_type_that_a_stream_subscribes_to_stays<B: Backend>(backend: &B) {
    let house = House::open(backend).await;
    let name = TypeName::parse("com.example.a").unwrap();
    house.store.registered_type_add(house.tenant, definition(name.as_str())).await.unwrap();
    let registered = house.store.registered_types(house.tenant).await.unwrap()[0].clone();
    let event_type = registered.value.event_type();
    let mut stream = samples::stream(1);
    stream.subscriptions = vec![EventType::UserCreated, event_type];
    house.commit(samples::created(&stream)).await.unwrap();
    let kept = house.store.registered_type_remove(house.tenant, registered.revision, name.clone()).await;
    assert!(matches!(kept, Err(StoreError::Conflict(Conflict::TypeSubscribed))), "{kept:?}");
    house.commit(raised(vec![Event { event_type, ..event(7) }])).await.unwrap();
    let house = house.reopen().await;
    assert_eq!(house.events().await[0].event.event_type, event_type);
    let state = house.state(stream.id).await;
    assert_eq!(state.stream.subscriptions, stream.subscriptions);
    assert!(state.spans.matches(house.end(), event_type));
    stream.subscriptions = vec![EventType::UserCreated];
    house.commit(samples::changed(1, &stream)).await.unwrap();
    house.store.registered_type_remove(house.tenant, registered.revision, name).await.unwrap();
    // Whoever looked it up before it went cannot subscribe to it any more.
    stream.subscriptions = vec![event_type];
    let late = house.commit(samples::changed(2, &stream)).await;
    assert!(matches!(late, Err(StoreError::Stale)), "{late:?}");
    let late = house
        .commit(samples::created(&domain::stream::EventStream {
            subscriptions: vec![event_type],
            ..samples::stream(2)
        }))
        .await;
    assert!(matches!(late, Err(StoreError::Stale)), "{late:?}");
    // What the log has of it stays, and the stream's history with it.
    assert_eq!(house.events().await[0].event.event_type, event_type);
}

pub(crate) async fn tenants_have_registered_types_of_their_own<B: Backend>(backend: &B) {
    let house = House::open(backend).await;
    let other = house.store.tenant_ensure("other").await.unwrap().id;
    let name = TypeName::parse("com.example.a").unwrap();
    house.store.registered_type_add(house.tenant, definition(name.as_str())).await.unwrap();
    assert!(house.store.registered_types(other).await.unwrap().is_empty());
    house.store.registered_type_add(other, definition(name.as_str())).await.unwrap();
    let own = house.store.registered_types(house.tenant).await.unwrap()[0].clone();
    let others = house.store.registered_types(other).await.unwrap()[0].clone();
    assert_ne!(own.value.id, others.value.id);
    // Another tenant's number is no type of one's own.
    let mut stream = samples::stream(1);
    stream.subscriptions = vec![others.value.event_type()];
    let refused = house.commit(Write::StreamPut(domain::change::Expect::Absent, Box::new(stream))).await;
    assert!(matches!(refused, Err(StoreError::Stale)), "{refused:?}");
    house.store.registered_type_remove(other, others.revision, name).await.unwrap();
    assert_eq!(house.store.registered_types(house.tenant).await.unwrap().len(), 1);
}

pub(crate) async fn a_tenant_registers_a_bounded_number_of_types<B: Backend>(backend: &B) {
    let house = House::open(backend).await;
    for number in 0..REGISTERED_TYPES_MAX {
        house.store.registered_type_add(house.tenant, definition(&format!("com.example.t{number}"))).await.unwrap();
    }
    let full = house.store.registered_type_add(house.tenant, definition("com.example.more")).await;
    assert!(matches!(full, Err(StoreError::Conflict(Conflict::TypesFull))), "{full:?}");
    let id = RegisteredTypeId(REGISTERED_TYPES_MAX);
    assert!(house.store.registered_types(house.tenant).await.unwrap().iter().any(|each| each.value.id == id));
}

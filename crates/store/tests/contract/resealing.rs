//! The master key is changed: everything is sealed anew, and nothing is lost on the way.

use std::sync::Arc;

use domain::stream::EventStream;
use store::{Keyring, MASTER_KEY_BYTES, ResealPlace, Resealing, State, TenantKeys};

use crate::backend::{Backend, House, MASTER_KEY, keyring};
use crate::samples::created;
use crate::secrets::{check_filled, fill};

/// The key that comes after that of every backend here.
pub(crate) const NEXT_KEY: [u8; MASTER_KEY_BYTES] = [9; MASTER_KEY_BYTES];

/// Goes on from `from` by this many steps of one text, or to the end; answers where it is then.
pub(crate) async fn steps<B: Backend>(house: &House<'_, B>, from: ResealPlace, most: usize) -> Option<ResealPlace> {
    let mut place = Some(from);
    for _ in 0..most {
        let Some(from) = place else { break };
        let step = house.store.reseal_step(from, 1).await.unwrap();
        assert!(step.resealed <= 1);
        place = step.next;
    }
    place
}

async fn former<B: Backend>(house: &House<'_, B>) -> u64 {
    house.store.sealed_texts().await.unwrap().former
}

fn another_stream() -> EventStream {
    crate::samples::stream(77)
}

pub(crate) async fn everything_is_sealed_anew_in_steps_beside_changes<B: Backend>(backend: &B) {
    let keys = keyring();
    let house = House::open_with(backend, Arc::clone(&keys)).await;
    fill(&house).await;
    let offset_key = house.store.offset_key(house.tenant);
    assert_eq!(former(&house).await, 0);
    keys.renew(&NEXT_KEY);
    let texts = house.store.sealed_texts().await.unwrap();
    assert!(texts.total >= 8 && texts.former == texts.total, "{texts:?}");
    check_filled(&house).await;
    let place = steps(&house, ResealPlace::default(), 2).await.unwrap();
    assert_eq!(former(&house).await, texts.total - 2);
    // What is written meanwhile, is written with the new key.
    house.commit(created(&another_stream())).await.unwrap();
    let later = house.store.tenant_ensure("later").await.unwrap().id;
    assert_eq!(former(&house).await, texts.total - 2);
    assert_eq!(steps(&house, place, 1000).await, None);
    assert_eq!(former(&house).await, 0);
    check_filled(&house).await;
    let later_key = house.store.offset_key(later);
    let house = house.reopen_with(Arc::new(Keyring::new(&NEXT_KEY))).await;
    check_filled(&house).await;
    assert_eq!(house.store.offset_key(house.tenant), offset_key, "offsets stay valid");
    assert_eq!(house.store.offset_key(later), later_key);
    let read = house.store.stream_get(house.tenant, another_stream().id).await.unwrap().unwrap();
    assert_eq!(read.value, another_stream());
}

pub(crate) async fn sealing_anew_goes_on_after_a_restart_at_any_step<B: Backend>(backend: &B) {
    let mut house = House::open(backend).await;
    fill(&house).await;
    let total = house.store.sealed_texts().await.unwrap().total;
    for done in 0..total {
        house = house.reopen_with(Arc::new(Keyring::with_previous(&NEXT_KEY, &[MASTER_KEY]))).await;
        check_filled(&house).await;
        assert_eq!(former(&house).await, total - done);
        // From the start again, it passes over what has been done.
        let mut place = Some(ResealPlace::default());
        while former(&house).await == total - done {
            place = steps(&house, place.unwrap(), 1).await;
        }
    }
    assert_eq!(former(&house).await, 0);
    house = house.reopen_with(Arc::new(Keyring::new(&NEXT_KEY))).await;
    check_filled(&house).await;
}

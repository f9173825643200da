//! Actions: drafts, versions, what is deployed, and whose they are.

use domain::action::{Action, ActionPatch, Build, GivenSecret, VERSIONS_KEPT};
use domain::change::{
    ActionWrite, Expect, Revision, Versioned, Write, action_create, action_delete, action_deploy, action_roll_back,
    action_stream_delete,
};
use domain::destination::{ActionDestination, Destination};
use domain::ids::StreamId;
use domain::secret::Secret;
use domain::stream::{EventStream, StreamStatus};
use store::{ActionFilter, Actions, Conflict, DeployedActions, Log, Page, State, StoreError, StreamsVersion};

use crate::backend::{Backend, Counting, House};
use crate::samples::{at, created, stream};

const PAGE: Page = Page { offset: 0, limit: 1000 };
const MAX: u32 = 3;

/// A built action that is not stored yet; its code and its secret have the number in them.
pub(crate) fn action(number: u8) -> Action {
    let entropy = Counting::default();
    let mut skipped = [0; 16];
    for _ in 0..number {
        domain::clock::Entropy::fill(&entropy, &mut skipped);
    }
    let secret = GivenSecret { name: "KEY".to_owned(), value: Some(Secret::new(format!("key-{number}"))) };
    let patch =
        ActionPatch { code: Some(format!("code-{number}")), secrets: Some(vec![secret]), ..ActionPatch::default() };
    let made = Action::new(format!("action {number}"), at(0), &entropy).patched(patch, at(0)).unwrap();
    Action { build: Build::Built { at: at(0) }, ..made }
}

impl<B: Backend> House<'_, B> {
    pub(crate) async fn create_action(&self, action: &Action) {
        self.commit(action_create(action.clone(), u32::MAX)).await.unwrap();
    }

    pub(crate) async fn action(&self, action: &Action) -> Versioned<Action> {
        self.store.action_get(self.tenant, action.id).await.unwrap().unwrap()
    }

    /// Deploys what is stored; answers the action after it.
    pub(crate) async fn deploy(&self, action: &Action) -> Action {
        static ENTROPY: std::sync::LazyLock<Counting> = std::sync::LazyLock::new(Counting::default);
        let stored = self.action(action).await;
        let (deployed, change) = action_deploy(&stored, at(1), &*ENTROPY).unwrap();
        self.commit(change).await.unwrap();
        deployed
    }

    async fn change_code(&self, action: &Action, code: &str) {
        let stored = self.action(action).await;
        let patch = ActionPatch { code: Some(code.to_owned()), ..ActionPatch::default() };
        let changed = Action { build: Build::Built { at: at(2) }, ..stored.value.patched(patch, at(2)).unwrap() };
        self.commit(ActionWrite::Put(Expect::At(stored.revision), Box::new(changed))).await.unwrap();
    }
}

pub(crate) async fn an_action_and_its_versions_come_back_whole<B: Backend>(backend: &B) {
    let house = House::open(backend).await;
    let one = action(1);
    house.create_action(&one).await;
    assert_eq!(house.action(&one).await, Versioned { revision: Revision(1), value: one.clone() });
    assert_eq!(house.store.action_deployed(one.id).await.unwrap(), None);
    let deployed = house.deploy(&one).await;
    house.change_code(&one, "other").await;
    let house = house.reopen().await;
    let stored = house.action(&one).await.value;
    assert_eq!((stored.draft.code.as_str(), stored.versions), ("other", 1));
    assert_eq!(stored.deployed, deployed.deployed);
    assert!(!stored.all_changes_deployed());
    let version = deployed.deployed.unwrap();
    let found = house.store.action_version_get(house.tenant, one.id, version.id).await.unwrap();
    assert_eq!(found.as_ref(), Some(&version));
    let running = house.store.action_deployed(one.id).await.unwrap().unwrap();
    assert_eq!((running.action, running.version, running.number), (one.id, version.id, 1));
    assert_eq!((running.code.as_str(), running.secrets), ("code-1", vec![("KEY".to_owned(), Secret::new("key-1"))]));
}

pub(crate) async fn what_is_deployed_is_the_newest_version_also_after_rolling_back<B: Backend>(backend: &B) {
    let house = House::open(backend).await;
    let one = action(1);
    house.create_action(&one).await;
    let first = house.deploy(&one).await.deployed.unwrap();
    house.change_code(&one, "second").await;
    house.deploy(&one).await;
    let code = async || house.store.action_deployed(one.id).await.unwrap().unwrap();
    assert_eq!((code().await.number, code().await.code), (2, "second".to_owned()));
    let (_, change) = action_roll_back(&house.action(&one).await, &first, false, at(3), &Counting::default());
    house.commit(change).await.unwrap();
    assert_eq!((code().await.number, code().await.code), (3, "code-1".to_owned()));
    let versions = house.store.action_version_page(house.tenant, one.id, PAGE).await.unwrap();
    let numbers: Vec<_> = versions.iter().map(|version| version.number).collect();
    assert_eq!(numbers, [3, 2, 1]);
    let page = Page { offset: 1, limit: 1 };
    assert_eq!(house.store.action_version_page(house.tenant, one.id, page).await.unwrap(), versions[1..2]);
}

pub(crate) async fn the_newest_versions_are_kept<B: Backend>(backend: &B) {
    let house = House::open(backend).await;
    let one = action(1);
    house.create_action(&one).await;
    for _ in 0..VERSIONS_KEPT + 2 {
        house.deploy(&one).await;
    }
    let versions = house.store.action_version_page(house.tenant, one.id, PAGE).await.unwrap();
    assert_eq!((versions[0].number, versions.last().unwrap().number), (VERSIONS_KEPT + 2, 3));
    let count = house.store.action_version_count(house.tenant, one.id).await.unwrap();
    assert_eq!(count, u64::from(VERSIONS_KEPT));
    assert_eq!(house.action(&one).await.value.deployed.unwrap(), versions[0]);
}

pub(crate) async fn actions_are_found_by_what_they_are<B: Backend>(backend: &B) {
    let house = House::open(backend).await;
    let [one, two] = [action(1), action(2)];
    house.create_action(&one).await;
    house.create_action(&two).await;
    let one = house.deploy(&one).await;
    let named = |name: &str| ActionFilter { name: Some(name.to_owned()), ..ActionFilter::default() };
    let deployed = |deployed| ActionFilter { deployed: Some(deployed), ..ActionFilter::default() };
    for (filter, expected) in [
        (ActionFilter::default(), vec![one.clone(), two.clone()]),
        (named("action 2"), vec![two.clone()]),
        (named("action"), Vec::new()),
        (deployed(true), vec![one.clone()]),
        (deployed(false), vec![two.clone()]),
    ] {
        let count = house.store.action_count(house.tenant, filter.clone()).await.unwrap();
        assert_eq!(count, expected.len() as u64, "{filter:?}");
        assert_eq!(house.store.action_page(house.tenant, filter, PAGE).await.unwrap(), expected);
    }
    let page = Page { offset: 1, limit: 1 };
    assert_eq!(house.store.action_page(house.tenant, ActionFilter::default(), page).await.unwrap(), [two]);
}

pub(crate) async fn of_two_who_change_an_action_one_is_told<B: Backend>(backend: &B) {
    let house = House::open(backend).await;
    let one = action(1);
    house.create_action(&one).await;
    let stored = house.action(&one).await;
    house.deploy(&one).await;
    let late = ActionWrite::Put(Expect::At(stored.revision), Box::new(stored.value.clone()));
    assert!(matches!(house.commit(late).await, Err(StoreError::Stale)));
    let (_, change) = action_deploy(&stored, at(9), &Counting::default()).unwrap();
    assert!(matches!(house.commit(change).await, Err(StoreError::Stale)));
    assert_eq!(house.store.action_version_count(house.tenant, one.id).await.unwrap(), 1, "all or nothing");
    let deleted = house.commit(action_delete(&stored, &[], at(9))).await;
    assert!(matches!(deleted, Err(StoreError::Stale)));
}

pub(crate) async fn an_action_goes_with_its_versions<B: Backend>(backend: &B) {
    let house = House::open(backend).await;
    let one = action(1);
    house.create_action(&one).await;
    house.deploy(&one).await;
    let stored = house.action(&one).await;
    house.commit(action_delete(&stored, &[], at(2))).await.unwrap();
    assert_eq!(house.store.action_get(house.tenant, one.id).await.unwrap(), None);
    assert_eq!(house.store.action_deployed(one.id).await.unwrap(), None);
    assert_eq!(house.store.action_version_count(house.tenant, one.id).await.unwrap(), 0);
}

pub(crate) async fn tenants_have_a_bounded_number_of_actions_of_their_own<B: Backend>(backend: &B) {
    let house = House::open(backend).await;
    for number in 1..=3 {
        house.commit(action_create(action(number), MAX)).await.unwrap();
    }
    let full = house.commit(action_create(action(4), MAX)).await;
    assert!(matches!(full, Err(StoreError::Conflict(Conflict::ActionsFull))), "{full:?}");
    let other = house.store.tenant_ensure("globex").await.unwrap().id;
    house.store.change_commit(other, action_create(action(4), MAX)).await.unwrap();
    let all = ActionFilter::default();
    assert_eq!(house.store.action_count(other, all.clone()).await.unwrap(), 1);
    assert_eq!(house.store.action_page(other, all, PAGE).await.unwrap(), [action(4)]);
    let version = house.deploy(&action(1)).await.deployed.unwrap();
    assert_eq!(house.store.action_get(other, action(1).id).await.unwrap(), None);
    assert_eq!(house.store.action_version_get(other, action(1).id, version.id).await.unwrap(), None);
    assert_eq!(house.store.action_version_page(other, action(1).id, PAGE).await.unwrap(), []);
    let stored = house.action(&action(1)).await;
    let foreign = house.store.change_commit(other, action_delete(&stored, &[], at(2))).await;
    assert!(matches!(foreign, Err(StoreError::Stale)));
}

/// A stream whose destination an action is.
fn acting(number: u64, action: &Action) -> EventStream {
    let destination = Destination::Action(ActionDestination { action_id: action.id });
    EventStream { destination, ..stream(number) }
}

impl<B: Backend> House<'_, B> {
    async fn streams_of(&self, action: &Action) -> Vec<Versioned<EventStream>> {
        self.store.action_streams(self.tenant, action.id).await.unwrap()
    }

    async fn newest(&self) -> StreamsVersion {
        self.store.streams_changed(StreamsVersion::default()).await.unwrap().version
    }

    async fn changed_since(&self, version: StreamsVersion) -> Vec<StreamId> {
        let changed = self.store.streams_changed(version).await.unwrap().changed;
        changed.iter().map(|state| state.stream.id).collect()
    }
}

fn ids(streams: &[Versioned<EventStream>]) -> Vec<StreamId> {
    streams.iter().map(|stream| stream.value.id).collect()
}

pub(crate) async fn a_stream_needs_a_deployed_action_of_its_tenant<B: Backend>(backend: &B) {
    let house = House::open(backend).await;
    let one = action(1);
    let refused = house.commit(created(&acting(1, &one))).await;
    assert!(matches!(refused, Err(StoreError::Conflict(Conflict::ActionUnknown))), "{refused:?}");
    house.create_action(&one).await;
    let refused = house.commit(created(&acting(1, &one))).await;
    assert!(matches!(refused, Err(StoreError::Conflict(Conflict::ActionUndeployed))), "{refused:?}");
    house.deploy(&one).await;
    let other = house.store.tenant_ensure("globex").await.unwrap().id;
    let foreign = house.store.change_commit(other, created(&acting(1, &one))).await;
    assert!(matches!(foreign, Err(StoreError::Conflict(Conflict::ActionUnknown))), "{foreign:?}");
    house.commit(created(&acting(1, &one))).await.unwrap();
    assert_eq!(ids(&house.streams_of(&one).await), [acting(1, &one).id]);
}

pub(crate) async fn delivery_hears_of_another_deployed_version<B: Backend>(backend: &B) {
    let house = House::open(backend).await;
    let [one, two] = [action(1), action(2)];
    for each in [&one, &two] {
        house.create_action(each).await;
        house.deploy(each).await;
    }
    for stream in [acting(1, &one), acting(2, &two), acting(3, &one), stream(4)] {
        house.commit(created(&stream)).await.unwrap();
    }
    let before = house.newest().await;
    let mut heads = house.store.heads();
    heads.mark_unchanged();
    house.change_code(&one, "other").await;
    assert_eq!(house.changed_since(before).await, [], "a draft does not run");
    house.deploy(&one).await;
    assert!(heads.has_changed().unwrap());
    assert_eq!(heads.borrow().streams, house.newest().await);
    assert_eq!(house.changed_since(before).await, [acting(1, &one).id, acting(3, &one).id]);
}

pub(crate) async fn removing_an_action_disables_its_streams_for_good<B: Backend>(backend: &B) {
    let house = House::open(backend).await;
    let one = action(1);
    house.create_action(&one).await;
    house.deploy(&one).await;
    house.commit(created(&acting(1, &one))).await.unwrap();
    let computed = action_delete(&house.action(&one).await, &house.streams_of(&one).await, at(5));
    house.commit(created(&acting(2, &one))).await.unwrap();
    assert!(matches!(house.commit(computed).await, Err(StoreError::Stale)), "another stream has come");
    let before = house.newest().await;
    let change = action_delete(&house.action(&one).await, &house.streams_of(&one).await, at(5));
    house.commit(change).await.unwrap();
    let streams = house.streams_of(&one).await;
    assert_eq!(ids(&streams), [acting(1, &one).id, acting(2, &one).id]);
    assert_eq!(house.changed_since(before).await, ids(&streams));
    for stored in streams {
        assert_eq!(stored.value.status, StreamStatus::Disabled);
        let enabled = EventStream { status: StreamStatus::Enabled, ..stored.value.clone() };
        let put = |stream| Write::StreamPut(Expect::At(stored.revision), Box::new(stream));
        let refused = house.commit(put(enabled)).await;
        assert!(matches!(refused, Err(StoreError::Conflict(Conflict::ActionUnknown))), "{refused:?}");
        let renamed = EventStream { name: Some(format!("was {}", stored.value.id)), ..stored.value.clone() };
        house.commit(put(renamed)).await.unwrap();
    }
}

pub(crate) async fn an_action_goes_with_the_last_of_its_streams<B: Backend>(backend: &B) {
    let house = House::open(backend).await;
    let one = action(1);
    house.create_action(&one).await;
    house.deploy(&one).await;
    for number in [1, 2] {
        house.commit(created(&acting(number, &one))).await.unwrap();
    }
    let stored = house.streams_of(&one).await;
    let found = house.action(&one).await;
    let delete = |index: usize| {
        let others = ids(&stored).into_iter().filter(|id| *id != stored[index].value.id).collect();
        action_stream_delete(&stored[index], one.id, Some(&found), others)
    };
    // Both are computed while there are two: one must not leave the action to the other.
    let (first, second) = (delete(0), delete(1));
    house.commit(first).await.unwrap();
    assert!(matches!(house.commit(second).await, Err(StoreError::Stale)));
    assert_eq!(ids(&house.streams_of(&one).await), [stored[1].value.id]);
    house.commit(action_stream_delete(&stored[1], one.id, Some(&found), Vec::new())).await.unwrap();
    assert_eq!(house.store.action_get(house.tenant, one.id).await.unwrap(), None);
    assert_eq!(house.streams_of(&one).await, []);
}

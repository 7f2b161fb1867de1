//! A device may poll any node: they share its pace, and each hears what another one decided.

use std::time::Duration;

use hallpass_server::Settings;
use hallpass_testing::person::APPROVE;
use hallpass_testing::{Answer, Person, TestPostgres, TestServer};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::nodes::Nodes;
use crate::accounts::PASSWORD;

const DEVICE_CODE: &str = "urn:ietf:params:oauth:grant-type:device_code";
/// Far longer than any test takes: who hears before was woken, or looked.
const LONG: &str = "wait=25";
const AT_ONCE: Duration = Duration::from_secs(12);

async fn start_device(node: &TestServer) -> Answer {
    let asked = [("client_id", "cli"), ("scope", "openid")];
    node.post("/oauth2/device_authorization", &asked).await
}

fn polling(device_code: &str) -> [(&str, &str); 3] {
    [
        ("grant_type", DEVICE_CODE),
        ("client_id", "cli"),
        ("device_code", device_code),
    ]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s_18_a_decision_at_one_node_is_seen_by_the_next_poll_at_another() {
    let nodes = Nodes::start("").await;
    let device = start_device(&nodes.all[0]).await;
    let device_code = device.member("device_code");
    let form = polling(&device_code);
    for node in &nodes.all[1..] {
        nodes.advance(5);
        let pending = node.post("/oauth2/token", &form).await;
        assert_eq!(pending.refusal().1, "authorization_pending");
    }
    let withdrawn = [("client_id", "cli"), ("token", device_code.as_str())];
    let done = nodes.all[0].post("/oauth2/revoke", &withdrawn).await;
    assert_eq!(done.status, 200, "{}", done.body);
    for node in &nodes.all {
        let ended = node.post("/oauth2/token", &form).await;
        assert_eq!(ended.refusal(), (400, "access_denied".to_owned()));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s_18_a_05_a_device_that_asks_the_nodes_in_turn_keeps_one_pace() {
    let nodes = Nodes::start("").await;
    let device = start_device(&nodes.all[0]).await;
    let device_code = device.member("device_code");
    let form = polling(&device_code);
    // After so many seconds, at which node, slowed down to what.
    for (seconds, node, slowed) in [
        (0, 0, None),
        (1, 1, Some(10)),
        (6, 2, Some(15)),
        (15, 0, None),
        (14, 1, None),
        (1, 2, Some(20)),
    ] {
        nodes.advance(seconds);
        let answer = nodes.all[node].post("/oauth2/token", &form).await;
        let told = answer.json();
        let wanted = slowed.map_or("authorization_pending", |_| "slow_down");
        assert_eq!(told["error"], wanted, "{seconds} {node}");
        assert_eq!(told["interval"].as_u64(), slowed, "{seconds} {node}");
    }
    // Somebody else's polls slow nobody down.
    let stranger = [form[0], ("client_id", "other"), form[2]];
    for node in &nodes.all {
        let answer = node.post("/oauth2/token", &stranger).await;
        assert_ne!(answer.status, 200, "{}", answer.body);
    }
    nodes.advance(20);
    let answer = nodes.all[1].post("/oauth2/token", &form).await;
    assert_eq!(answer.refusal().1, "authorization_pending");
    // Of many at once the first one is on time, the others are early.
    nodes.advance(60);
    let answers = nodes.at_once(4, |node| {
        node.http().post(node.url("/oauth2/token")).form(&form)
    });
    let on_time = |answer: &&Answer| answer.refusal().1 == "authorization_pending";
    assert_eq!(answers.await.iter().filter(on_time).count(), 1);
}

/// The last node to start has seen all three; each lets its share of the ten begin.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s_11_a_node_lets_its_share_of_devices_begin() {
    let nodes = Nodes::start("").await;
    let last = nodes.all.last().unwrap();
    let mut begun = 0;
    let refused = loop {
        let answer = start_device(last).await;
        if answer.status != 200 {
            break answer;
        }
        begun += 1;
    };
    assert_eq!(begun, 4, "a third of ten, rounded up");
    assert_eq!(refused.status, 429, "{}", refused.body);
    assert_eq!(refused.header("retry-after"), "60");
}

/// A poll that waits at a node.
async fn hold(node: &TestServer, device: &Answer) -> JoinHandle<Answer> {
    let request = node.http().post(node.url("/oauth2/token"));
    let request = request.header("prefer", LONG);
    let asked = request.form(&polling(&device.member("device_code"))).send();
    let held = tokio::spawn(async move { Answer::read(asked.await.unwrap()).await });
    let waits = async {
        while node.held_polls() == 0 {
            tokio::task::yield_now().await;
        }
    };
    timeout(AT_ONCE, waits).await.expect("the poll waits");
    held
}

/// The answer of a held poll that must not need its whole wait.
async fn at_once(held: JoinHandle<Answer>) -> Answer {
    let answer = timeout(AT_ONCE, held).await;
    let answer = answer.expect("nobody waits for the end").unwrap();
    assert_eq!(answer.header("preference-applied"), LONG);
    answer
}

/// The page on which a person decides about a device.
async fn confirmation(person: &Person, device: &Answer) -> Answer {
    let entry = person.open("/device").await;
    let code = device.member("user_code");
    let mut page = person.submit(&entry, &[("user_code", &code)]).await;
    if page.body.contains("name=\"password\"") {
        let fields = [("username", "ada"), ("password", PASSWORD)];
        page = person.submit(&page, &fields).await;
    }
    assert!(page.body.contains("name=\"confirm\""), "{}", page.body);
    page
}

/// No look of theirs helps the polls of this test.
fn never_look_again(settings: &mut Settings) {
    settings.long_polls.look_again = Duration::from_hours(1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s_271_a_decision_at_one_node_wakes_the_poll_that_waits_at_another() {
    let nodes = Nodes::start_with("", never_look_again).await;
    let (here, there) = (&nodes.all[0], &nodes.all[1]);
    let person = there.person_with_account("ada", PASSWORD).await;

    let device = start_device(here).await;
    let held = hold(here, &device).await;
    let page = confirmation(&person, &device).await;
    assert!(!held.is_finished(), "nobody has decided");
    let done = person.submit(&page, APPROVE).await;
    assert_eq!(done.status, 200, "{}", done.body);
    let tokens = at_once(held).await;
    assert_eq!(tokens.status, 200, "{}", tokens.body);

    let device = start_device(here).await;
    let held = hold(here, &device).await;
    let page = confirmation(&person, &device).await;
    person.submit(&page, &[("action", "deny")]).await;
    assert_eq!(at_once(held).await.refusal().1, "access_denied");

    let device = start_device(here).await;
    let held = hold(here, &device).await;
    let device_code = device.member("device_code");
    let form = [("client_id", "cli"), ("token", device_code.as_str())];
    assert_eq!(there.post("/oauth2/revoke", &form).await.status, 200);
    assert_eq!(at_once(held).await.refusal().1, "access_denied");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s_271_news_of_one_device_answers_no_other() {
    let nodes = Nodes::start_with("", never_look_again).await;
    let (here, there) = (&nodes.all[0], &nodes.all[1]);
    let (device, other) = (start_device(here).await, start_device(here).await);
    let held = hold(here, &device).await;
    // What anybody with a login at the database may say there.
    for payload in ["dev:", "dev:zz", "dev", "nonsense"] {
        let sql = format!("NOTIFY hallpass, '{payload}'");
        TestPostgres::shared().sql(&nodes.database, &sql);
    }
    for device in [&other, &device] {
        assert!(!held.is_finished());
        let device_code = device.member("device_code");
        let form = [("client_id", "cli"), ("token", device_code.as_str())];
        assert_eq!(there.post("/oauth2/revoke", &form).await.status, 200);
    }
    assert_eq!(at_once(held).await.refusal().1, "access_denied");
}

/// Whoever changes the row by hand tells nobody: as if the news had been lost.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s_271_a_decision_whose_news_is_lost_is_seen_within_seconds() {
    let nodes = Nodes::start("").await;
    let here = &nodes.all[0];
    let held = hold(here, &start_device(here).await).await;
    let deny = "UPDATE device_grants SET status = 3";
    TestPostgres::shared().sql(&nodes.database, deny);
    assert_eq!(at_once(held).await.refusal().1, "access_denied");
}

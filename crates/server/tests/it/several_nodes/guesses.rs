//! Guesses are counted for all nodes together.

use hallpass_testing::person::forms;
use hallpass_testing::{Answer, TestServer};

use super::nodes::{Nodes, SERVICE};
use crate::accounts::{PASSWORD, is_in};
use crate::second_factors::{enrol, half_way};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s_10_wrong_user_codes_are_counted_at_all_nodes_together() {
    let nodes = Nodes::start("[limits]\nuser_code_per_ip = \"5/10m\"\n").await;
    // Each guess with another browser, so that the address alone counts.
    let guess = async |node: &TestServer| {
        let person = node.person();
        let page = person.open("/device").await;
        match page.status {
            200 => person.submit(&page, &[("user_code", "BBBB-BBBB")]).await,
            _ => page,
        }
    };
    for round in 0..5 {
        let answer = guess(&nodes.all[round % 3]).await;
        assert_ne!(answer.status, 429, "{round}");
    }
    for node in &nodes.all {
        let answer = guess(node).await;
        assert_eq!(answer.status, 429, "{}", answer.body);
    }
    nodes.advance(600);
    for node in &nodes.all {
        assert_ne!(guess(node).await.status, 429);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_79_codes_of_an_app_and_guesses_at_them_count_at_all_nodes_together() {
    let nodes = Nodes::start("").await;
    let [one, two, three] = &nodes.all[..] else {
        panic!("three nodes")
    };
    let owner = one.person_with_account("ada", PASSWORD).await;
    let (app, codes) = enrol(one, &owner, "ada").await;
    // The clock of the first node went on by this.
    two.advance(30);
    three.advance(30);
    // A code that was used at one node is used at the others, on paper as well.
    let (person, page) = half_way(one, "ada").await;
    let code = app.code(one);
    assert!(is_in(&person.submit(&page, &[("code", &code)]).await));
    let (person, page) = half_way(two, "ada").await;
    let again = person.submit(&page, &[("code", &code)]).await;
    assert_eq!(again.status, 422);
    let paper = async |node: &TestServer| {
        let (person, page) = half_way(node, "ada").await;
        let mut form = forms(&page.body).remove(0);
        form.hidden.retain(|(name, _)| name != "method");
        let fields = [("method", "recovery_code"), ("code", codes[0].as_str())];
        person.submit_form(&form, &fields).await
    };
    assert!(is_in(&paper(three).await));
    assert_eq!(paper(two).await.status, 422);
    // One guess is counted already.
    for node in [one, two, three, one] {
        let (person, page) = half_way(node, "ada").await;
        let wrong = person.submit(&page, &[("code", "000000")]).await;
        assert_eq!(wrong.status, 422);
    }
    for node in [one, two, three] {
        let (person, page) = half_way(node, "ada").await;
        let locked = person.submit(&page, &[("code", &app.code(node))]).await;
        assert_eq!(locked.status, 429, "{}", locked.body);
    }
    nodes.advance(601);
    let (person, page) = half_way(three, "ada").await;
    assert!(is_in(
        &person.submit(&page, &[("code", &app.code(three))]).await
    ));
}

/// Tries a client secret at a node.
async fn try_secret(node: &TestServer, client: &str, secret: &str) -> Answer {
    node.post_basic("/oauth2/token", (client, secret), &SERVICE)
        .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s_134_a_66_wrong_secrets_are_counted_for_all_nodes_together() {
    let nodes = Nodes::start("").await;
    for client in ["svc", "nobody"] {
        for number in 0..20 {
            let node = &nodes.all[number % 3];
            let wrong = try_secret(node, client, "guess").await;
            assert_eq!(wrong.refusal(), (401, "invalid_client".to_owned()));
        }
        // A node that did not count the last one hears of the lock at its next wrong secret.
        for node in &nodes.all {
            let locked = try_secret(node, client, "guess").await;
            assert_eq!(locked.status, 429, "{client}: {}", locked.body);
            assert_eq!(locked.header("retry-after"), "60");
            // From then on it looks at none.
            let locked = try_secret(node, client, "s3cret").await;
            assert_eq!(locked.status, 429, "{client}: {}", locked.body);
        }
        // Nobody else is locked.
        let other = nodes.all[0]
            .post_basic("/oauth2/introspect", ("rs", "s"), &[("token", "x")])
            .await;
        assert_eq!(other.status, 200, "{}", other.body);
    }
    // What came during the lock made it no longer.
    nodes.advance(60);
    for node in &nodes.all {
        let taken = try_secret(node, "svc", "s3cret").await;
        assert_eq!(taken.status, 200, "{}", taken.body);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s_134_a_66_many_wrong_secrets_at_once_are_all_counted() {
    let nodes = Nodes::start("").await;
    let guess = |node: &TestServer| {
        let request = node.http().post(node.url("/oauth2/token"));
        request.basic_auth("svc", Some("guess")).form(&SERVICE)
    };
    let answers = nodes.at_once(7, guess).await;
    let looked_at = answers.iter().filter(|answer| answer.status == 401);
    assert_eq!(looked_at.count(), 20, "of 21");
    for node in &nodes.all {
        try_secret(node, "svc", "guess").await;
        let locked = try_secret(node, "svc", "s3cret").await;
        assert_eq!(locked.status, 429, "{}", locked.body);
    }
}

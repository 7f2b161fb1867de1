//! A family of refresh tokens takes one step, however many nodes are asked.

use std::collections::HashSet;

use hallpass_testing::{TestPostgres, TestServer};

use super::nodes::Nodes;
use crate::accounts::{PASSWORD, code, redeem};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s_60_200_refreshes_of_one_token_over_three_nodes_are_one_step() {
    let nodes = Nodes::start("").await;
    let person = nodes.all[0].person_with_account("ada", PASSWORD).await;
    let code = code(&person, "ada").await;
    // The code was given at one node and is redeemed at another.
    let tokens = redeem(&nodes.all[1], &code).await;
    let refresh_token = tokens.member("refresh_token");
    let form = [
        ("grant_type", "refresh_token"),
        ("client_id", "cli"),
        ("refresh_token", refresh_token.as_str()),
    ];
    let generation = || {
        let sql = "SELECT rt_generation FROM authorizations";
        let found = TestPostgres::shared().sql(&nodes.database, sql);
        found.parse::<u32>().expect("one authorization")
    };
    let before = generation();
    let request = |node: &TestServer| node.http().post(node.url("/oauth2/token")).form(&form);
    let answers = nodes.at_once(67, request).await;
    assert!(answers.len() >= 200);
    let mut successors = HashSet::new();
    for answer in &answers {
        assert_eq!(answer.status, 200, "{}", answer.body);
        successors.insert(answer.member("refresh_token"));
    }
    assert_eq!((successors.len(), generation()), (1, before + 1));
}

//! Each node has a chain of audit events, and no other node breaks it.

use hallpass_testing::TestServer;

use super::nodes::Nodes;

const DEVICE: [(&str, &str); 2] = [("client_id", "cli"), ("scope", "openid")];

fn started(node: &TestServer) -> reqwest::RequestBuilder {
    node.http()
        .post(node.url("/oauth2/device_authorization"))
        .form(&DEVICE)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_118_nodes_that_write_at_once_have_chains_that_hold_and_one_that_goes_is_missed() {
    let nodes = Nodes::start("[limits]\ndevice_start_per_ip = \"1000/1m\"\n").await;
    nodes
        .at_once(10, started)
        .await
        .iter()
        .for_each(|answer| assert_eq!(answer.status, 200, "{}", answer.body));
    for node in &nodes.all {
        // Each writes what it has.
        node.audited().await;
    }
    let records = nodes.all[0].audited_as("device.started").await;
    assert_eq!(records.len(), 30);
    let mut chains: Vec<&str> = records
        .iter()
        .map(|record| record["node"].as_str().unwrap())
        .collect();
    chains.sort_unstable();
    chains.dedup();
    assert_eq!(chains.len(), 3, "one for each node");
    let trail = nodes.all[0].audit_trail();
    let report = trail.verify(&[]).await.unwrap();
    assert_eq!(report.findings, []);
    assert_eq!(report.chains.len(), 3);

    // The second and the third node met the first one's chain when they started.
    let first = nodes.all[0].audited_as("system.started").await;
    let named = |record: &&serde_json::Value| {
        let chains = record["detail"]["chains"].as_array();
        chains.is_some_and(Vec::is_empty)
    };
    let first = first.iter().find(named).unwrap()["node"].as_str().unwrap();
    let thief = |sql: &str| hallpass_testing::TestPostgres::shared().sql(&nodes.database, sql);
    thief(&format!(
        "DELETE FROM audit_events WHERE node = '\\x{first}'; \
         DELETE FROM audit_chains WHERE node = '\\x{first}'"
    ));
    let findings = trail.verify(&[]).await.unwrap().findings;
    assert_eq!(findings.len(), 1, "{findings:?}");
    let told = findings[0].to_string();
    assert!(
        told.contains(first) && told.contains("is missing"),
        "{told}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_whose_chain_was_changed_leaves_it_and_goes_on_in_another() {
    let nodes = Nodes::start("").await;
    for node in &nodes.all {
        node.audited().await;
    }
    let node = &nodes.all[0];
    let before = node.audited().await.len();
    let thief = |sql: &str| hallpass_testing::TestPostgres::shared().sql(&nodes.database, sql);
    // The newest record goes, and the end with it: a state that there never was.
    thief("UPDATE audit_chains SET seq = seq - 1");
    let answer = node.send(started(node)).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    let records = node.audited().await;
    assert_eq!(records.len(), before + 2);
    let recovered = node.audited_as("system.recovered").await;
    assert_eq!(
        (&recovered[0]["seq"], &recovered[0]["outcome"]),
        (&1.into(), &"alert".into())
    );
    let started = node.audited_as("device.started").await;
    assert_eq!(started[0]["node"], recovered[0]["node"]);
    let findings = node.audit_trail().verify(&[]).await.unwrap().findings;
    assert_eq!(
        findings.len(),
        3,
        "every old chain, and not the new one: {findings:?}"
    );
    assert!(
        findings
            .iter()
            .all(|finding| finding.to_string().contains("is not signed"))
    );
}

//! What counts once counts once at all nodes together.

use hallpass_protocol::client_assertion::{self, TYPE};
use hallpass_protocol::dpop::{self, ProofRequest};
use hallpass_protocol::jose::{Algorithm, SigningKey};
use hallpass_protocol::random::SystemRandom;
use hallpass_protocol::{ClientId, Timestamp};
use hallpass_testing::TestServer;
use hallpass_testing::server::START;
use url::Url;

use super::nodes::{Nodes, SERVICE};

const ISSUER: &str = "https://id.example.com";

const TOKEN: &str = "https://id.example.com/oauth2/token";

fn ask(node: &TestServer, proof: &str) -> reqwest::RequestBuilder {
    let request = node.http().post(node.url("/oauth2/token"));
    let request = request.basic_auth("svc", Some("s3cret")).form(&SERVICE);
    request.header("DPoP", proof)
}

fn proof(key: &SigningKey) -> String {
    let request = ProofRequest {
        htm: "POST",
        htu: &Url::parse(TOKEN).unwrap(),
        access_token: None,
        nonce: None,
        now: Timestamp::from_unix_seconds(START),
    };
    dpop::prove(key, &request, &SystemRandom).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s_97_a_48_a_proof_counts_once_at_all_nodes_together() {
    let nodes = Nodes::start("").await;
    let key = SigningKey::generate(Algorithm::Es256, "k1").unwrap();
    // One after the other.
    let seen = proof(&key);
    let first = nodes.all[0].send(ask(&nodes.all[0], &seen)).await;
    assert_eq!(first.status, 200, "{}", first.body);
    for node in &nodes.all {
        let again = node.send(ask(node, &seen)).await;
        assert_eq!(again.refusal(), (400, "invalid_dpop_proof".to_owned()));
    }
    // All at once.
    for _ in 0..10 {
        let fresh = proof(&key);
        let answers = nodes.at_once(2, |node| ask(node, &fresh)).await;
        let taken = answers.iter().filter(|answer| answer.status == 200).count();
        assert_eq!(taken, 1);
        for refused in answers.iter().filter(|answer| answer.status != 200) {
            assert_eq!(refused.refusal(), (400, "invalid_dpop_proof".to_owned()));
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s_186_a_62_an_assertion_counts_once_at_all_nodes_together() {
    let key = SigningKey::generate(Algorithm::Es256, "k1").unwrap();
    let jwk = key.public_jwk_json();
    let members: Vec<_> = jwk.as_object().unwrap().iter().collect();
    let members: Vec<_> = members.iter().map(|(k, v)| format!("{k} = {v}")).collect();
    let nodes = Nodes::start(&format!(
        "[[client]]\nid = \"signer\"\ntype = \"confidential\"\nauth_method = \"private_key_jwt\"\n\
         jwks = {{ keys = [{{ {} }}] }}\ngrants = [\"client_credentials\"]\nscopes = [\"a\"]\n",
        members.join(", ")
    ))
    .await;
    let (id, now) = (ClientId::new("signer"), Timestamp::from_unix_seconds(START));
    let made = client_assertion::assert(&key, &id, ISSUER, now, &SystemRandom).unwrap();
    let form = [
        SERVICE[0],
        ("client_assertion_type", TYPE),
        ("client_assertion", made.expose().as_str()),
    ];
    let first = nodes.all[0].post("/oauth2/token", &form).await;
    assert_eq!(first.status, 200, "{}", first.body);
    for (node, path) in [
        (1, "/oauth2/token"),
        (2, "/oauth2/revoke"),
        (0, "/oauth2/token"),
    ] {
        let again = nodes.all[node].post(path, &form).await;
        assert_eq!(again.refusal(), (401, "invalid_client".to_owned()));
    }
}

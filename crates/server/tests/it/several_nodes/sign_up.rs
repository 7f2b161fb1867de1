//! People who make accounts themselves, at several nodes: one budget for a mailbox, one account for an
//! address.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use hallpass_testing::{Answer, Person, TestPostgres, TestServer};
use tokio::task::JoinSet;

use super::nodes::Nodes;
use crate::languages::mailbox;
use crate::sign_up::{PASSWORD, ask, link_in, mails_that_came, take_link};

async fn nodes() -> (tempfile::TempDir, Nodes) {
    let (folder, mail) = mailbox();
    let toml = format!("{mail}[login]\nregistration = \"open\"\n");
    (folder, Nodes::start(&toml).await)
}

/// All the mails that were sent, once none waits.
async fn mails(folder: &tempfile::TempDir, nodes: &Nodes) -> Vec<String> {
    let sql = "SELECT count(*) FROM email_outbox";
    while TestPostgres::shared().sql(&nodes.database, sql) != "0" {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    mails_that_came(folder).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_mailbox_gets_one_mail_however_many_nodes_are_asked() {
    let (folder, nodes) = nodes().await;
    let mut asked = JoinSet::new();
    for number in 0..6 {
        let node = Arc::clone(&nodes.all[number % 3]);
        asked.spawn(async move {
            let email = format!("a.d.a+{number}@example.com");
            ask(&node.person(), &email).await.status
        });
    }
    assert_eq!(asked.join_all().await, [200; 6]);
    let mails = mails(&folder, &nodes).await;
    assert_eq!(mails.len(), 1, "{mails:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_many_that_use_links_to_one_address_at_all_nodes_one_makes_the_account() {
    let (folder, nodes) = nodes().await;
    let mut links = Vec::new();
    for _ in 0..2 {
        ask(&nodes.all[0].person(), "ada@example.com").await;
        let mails = mails(&folder, &nodes).await;
        links.push(link_in(&mails[0]));
        nodes.advance(300);
    }
    let links: BTreeSet<String> = links.into_iter().collect();
    assert_eq!(links.len(), 2);
    let open = async |node: &Arc<TestServer>, link: &str| -> (Person, Answer) {
        let person = node.person();
        let page = person.open(link).await;
        assert_eq!(page.status, 200);
        (person, page)
    };
    let mut opened = Vec::new();
    for node in &nodes.all {
        for link in &links {
            opened.push(open(node, link).await);
        }
    }
    let mut using = JoinSet::new();
    for (number, (person, page)) in opened.into_iter().enumerate() {
        using.spawn(async move {
            let password = format!("{PASSWORD} {number}");
            (take_link(&person, &page, &password).await.status, password)
        });
    }
    let used = using.join_all().await;
    let made: Vec<_> = used.iter().filter(|(status, _)| *status == 200).collect();
    assert_eq!(made.len(), 1, "{used:?}");
    assert!(used.iter().all(|(status, _)| [200, 410].contains(status)));
    let (_, password) = made[0];
    let sql = "SELECT count(*) FROM users WHERE email_folded = 'ada@example.com'";
    assert_eq!(TestPostgres::shared().sql(&nodes.database, sql), "1");
    let person = nodes.all[2].person();
    let signed_in = crate::accounts::log_in(&person, "ada@example.com", password).await;
    assert!(crate::accounts::is_in(&signed_in));
    // The links are hashed where they are kept.
    let dump = TestPostgres::shared().dump(&nodes.database);
    for link in &links {
        let (_, token) = link.split_once("hpl_").unwrap();
        assert!(!dump.contains(token), "a link lies in the database");
    }
}

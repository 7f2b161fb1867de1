//! Who holds a port that a sign-in needs.
//!
//! Linux tells it under `/proc` (proc(5), "/proc/net/tcp"): the socket of the port, and the process that
//! has this socket open. Elsewhere, and for processes of other users, nobody is named.

use std::fs;
use std::path::Path;

use crate::clean;

/// The process that listens on this port of 127.0.0.1, as in `pid 3312 node`.
pub(super) fn holder_of(port: u16) -> Option<String> {
    let sockets: Vec<String> = ["/proc/net/tcp", "/proc/net/tcp6"]
        .into_iter()
        .filter_map(|table| fs::read_to_string(table).ok())
        .flat_map(|table| listening_on(port, &table))
        .map(|inode| format!("socket:[{inode}]"))
        .collect();
    if sockets.is_empty() {
        return None;
    }
    let processes = fs::read_dir("/proc").ok()?.flatten();
    processes
        .filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok())
        .find(|pid| has_open(*pid, &sockets))
        .map(|pid| {
            let name = fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default();
            format!("pid {pid} {}", clean::text(name.trim()))
        })
}

/// The inodes of the sockets that listen on a port: the tenth column of a table whose second ends with
/// the port, in hexadecimal, and whose fourth is 0A.
fn listening_on(port: u16, table: &str) -> Vec<String> {
    const LISTENING: &str = "0A";
    let suffix = format!(":{port:04X}");
    let of_line = |line: &str| {
        let columns: Vec<&str> = line.split_whitespace().collect();
        let is_it = columns.get(1)?.ends_with(&suffix) && *columns.get(3)? == LISTENING;
        is_it.then(|| columns.get(9).map(|inode| (*inode).to_owned()))?
    };
    table.lines().skip(1).filter_map(of_line).collect()
}

fn has_open(pid: u32, sockets: &[String]) -> bool {
    let Ok(files) = fs::read_dir(format!("/proc/{pid}/fd")) else {
        return false;
    };
    files
        .flatten()
        .filter_map(|file| fs::read_link(file.path()).ok())
        .any(|target| sockets.iter().any(|socket| Path::new(socket) == target))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(target_os = "linux")]
    #[test]
    fn a_listener_of_this_process_is_found_and_a_free_port_has_none() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let holder = holder_of(port).unwrap();
        assert!(
            holder.starts_with(&format!("pid {} ", std::process::id())),
            "{holder}"
        );
        drop(listener);
        assert_eq!(holder_of(port), None);
    }

    #[test]
    fn only_listening_sockets_of_the_port_count() {
        let table = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n\
            0: 0100007F:20D0 00000000:0000 0A 00000000:00000000 00:00000000 00000000  0 0 111 1 x 100\n\
            1: 0100007F:20D0 0100007F:9C40 01 00000000:00000000 00:00000000 00000000  0 0 222 1 x 20\n\
            2: 0100007F:20D1 00000000:0000 0A 00000000:00000000 00:00000000 00000000  0 0 333 1 x 100\n\
            broken line\n";
        assert_eq!(listening_on(8400, table), ["111"]);
        assert!(listening_on(8402, table).is_empty());
    }
}

#![allow(clippy::unwrap_used, reason = "a test stops at what it did not expect")]

use futures_util::FutureExt as _;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream, duplex};

use super::super::row::number;
use super::*;

fn client_and_server() -> (Client, DuplexStream) {
    let (stream, server) = duplex(1 << 20);
    (Client { packets: PacketStream::new(stream), answers: None, given_up: false }, server)
}

/// Returns a result with one column N and one row, as a server sends it.
fn result_packets(value: &str) -> Vec<u8> {
    answers(&[value], &[])
}

/// Returns several such results and a final packet; without one the last result says that none follows.
fn answers(values: &[&str], behind: &[u8]) -> Vec<u8> {
    let mut packets = Vec::new();
    for (place, value) in values.iter().enumerate() {
        let definition = b"\x03def\0\0\0\x01N\0\x0c\x2e\0\xff\0\0\0\xfd\0\0\0\0\0".to_vec();
        let row = [&[u8::try_from(value.len()).unwrap()], value.as_bytes()].concat();
        let last = place + 1 == values.len() && behind.is_empty();
        let end = vec![0xFE, 0, 0, if last { 2 } else { 10 }, 0];
        packets.extend([vec![1], definition, end.clone(), row, end]);
    }
    packets.extend((!behind.is_empty()).then(|| behind.to_vec()));
    (1u8..).zip(packets).flat_map(|(place, packet)| framed(place, &packet)).collect()
}

fn framed(sequence: u8, payload: &[u8]) -> Vec<u8> {
    let [low, middle, high, ..] = payload.len().to_le_bytes();
    [&[low, middle, high, sequence], payload].concat()
}

fn read(rows: &[Row]) -> Option<u64> {
    number(rows.first()?, "N")
}

#[tokio::test]
async fn abandoned_result_is_skipped() {
    for split in [0, 1, 5, 20, 40] {
        let (mut client, mut server) = client_and_server();
        let timeout_failure = result_packets("1");
        server.write_all(&timeout_failure[..split]).await.unwrap();
        // Polled once, and dropped as by a time limit.
        assert!(client.query_within("SELECT 1 AS N").now_or_never().is_none());
        server.write_all(&timeout_failure[split..]).await.unwrap();
        server.write_all(&result_packets("2")).await.unwrap();
        assert_eq!(read(&client.query_within("SELECT 2 AS N").await.unwrap()), Some(2), "cut at {split}");
    }
}

#[tokio::test]
async fn connection_survives_an_error_packet() {
    let (mut client, mut server) = client_and_server();
    server.write_all(&framed(1, b"\xff\x7a\x04#42S02no such table")).await.unwrap();
    let refused = client.query_within("SELECT 1").await;
    assert!(matches!(&refused, Err(ClientError::Refused(refusal)) if refusal.code == 1146), "{refused:?}");
    server.write_all(&result_packets("3")).await.unwrap();
    assert_eq!(read(&client.query_within("SELECT 3 AS N").await.unwrap()), Some(3));
}

/// The next bytes on the connection are unknown, so they are not taken for a result.
#[tokio::test]
async fn malformed_result_closes_the_connection() {
    let (mut client, mut server) = client_and_server();
    server.write_all(&framed(7, b"\0\0\0\x02\0\0\0")).await.unwrap();
    assert!(matches!(client.query_within("SELECT 1").await, Err(ClientError::Malformed(_))));
    server.write_all(&result_packets("3")).await.unwrap();
    assert!(matches!(client.query_within("SELECT 3 AS N").await, Err(ClientError::Malformed(_))));
    let mut heard = vec![0; 64];
    let count = server.read(&mut heard).await.unwrap();
    assert_eq!(&heard[..count], framed(0, b"\x03SELECT 1"), "one question alone was sent");
}

#[tokio::test]
async fn buffer_grows_with_received_bytes() {
    let (mut client, mut server) = client_and_server();
    server.write_all(&[0xFF, 0xFF, 0xFF, 1, 1, 2, 3]).await.unwrap();
    assert!(client.query_within("SELECT 1").now_or_never().is_none());
    assert!(client.packets.held() < 1 << 16, "{} bytes for three", client.packets.held());
}

#[tokio::test]
async fn error_packet_ends_the_results() {
    let (mut client, mut server) = client_and_server();
    server.write_all(&answers(&["1", "2"], b"\xff\x7a\x04#42S02no such table")).await.unwrap();
    client.send("SELECT 1; SELECT 2; SELECT 3; SELECT 4", 4).await.unwrap();
    for value in [1, 2] {
        assert_eq!(read(&client.next().await.unwrap().unwrap()), Some(value));
    }
    let refused = client.next().await;
    assert!(matches!(&refused, Err(ClientError::Refused(refusal)) if refusal.code == 1146), "{refused:?}");
    assert!(client.next().await.unwrap().is_none(), "nothing of the text is left");
    server.write_all(&result_packets("5")).await.unwrap();
    assert_eq!(read(&client.query_within("SELECT 5 AS N").await.unwrap()), Some(5));
}

#[tokio::test]
async fn abandoned_results_are_skipped() {
    for behind in [&b""[..], b"\xff\x7a\x04#42S02no such table"] {
        let (mut client, mut server) = client_and_server();
        server.write_all(&answers(&["1", "2", "3"], behind)).await.unwrap();
        client.send("SELECT 1; SELECT 2; SELECT 3; SELECT 4", 4).await.unwrap();
        assert_eq!(read(&client.next().await.unwrap().unwrap()), Some(1));
        server.write_all(&result_packets("7")).await.unwrap();
        assert_eq!(read(&client.query_within("SELECT 7 AS N").await.unwrap()), Some(7));
    }
}

#[tokio::test]
async fn surplus_result_is_malformed() {
    let (mut client, mut server) = client_and_server();
    server.write_all(&answers(&["1", "2", "3"], &[])).await.unwrap();
    client.send("SELECT 1; SELECT 2", 2).await.unwrap();
    assert_eq!(read(&client.next().await.unwrap().unwrap()), Some(1));
    let outcome = client.next().await;
    assert!(matches!(outcome, Err(ClientError::Malformed(_))), "{outcome:?}");
}

/// Taken for a result, it would be a view without rows.
#[tokio::test]
async fn result_without_columns_is_malformed() {
    for done in [&b"\0\0\0\x02\0\0\0"[..], b"\xfe\0\0\x02\0"] {
        let (mut client, mut server) = client_and_server();
        server.write_all(&answers(&["1"], done)).await.unwrap();
        client.send("SELECT 1; SELECT 2", 2).await.unwrap();
        assert_eq!(read(&client.next().await.unwrap().unwrap()), Some(1));
        let outcome = client.next().await;
        assert!(matches!(outcome, Err(ClientError::Malformed(_))), "{outcome:?}");
    }
}

/// A statement has one result: another one would be taken for the result of the next statement.
#[tokio::test]
async fn unexpected_more_results_is_malformed() {
    let (mut client, mut server) = client_and_server();
    let mut more = result_packets("1");
    let status = more.len() - 2;
    more[status] |= 8;
    server.write_all(&more).await.unwrap();
    let asked = client.query_within("SELECT 1 AS N").await;
    assert!(matches!(asked, Err(ClientError::Malformed(_))), "{asked:?}");
}

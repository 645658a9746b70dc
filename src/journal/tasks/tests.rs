#![allow(clippy::unwrap_used, reason = "a test may fall where it stands")]

use proptest::prelude::*;

use super::*;

fn at(millis: i64) -> Timestamp {
    Timestamp::from_millisecond(millis).unwrap()
}

#[test]
fn task_id_format_and_order() {
    // 1795145500000 ms and the chance 0x7FFF, in digits of five bits.
    let id = TaskId::new("2026-11-20T03:31:40Z".parse().unwrap(), 0x1_7FFF);
    assert_eq!(id.as_str(), "1M7VG51B0ZZZ");
    assert!(TaskId::new(at(1), 0) > TaskId::new(at(0), u64::MAX));
    assert_ne!(TaskId::new(at(1), 1), TaskId::new(at(1), 2));
}

#[test]
fn task_id_is_parsed_as_typed() {
    let id: TaskId = "1qj45y2vozil".parse().unwrap();
    assert_eq!(id.as_str(), "1QJ45Y2V0Z11");
    for text in ["", "1QJ45Y2V0ZZ", "1QJ45Y2V0ZZZZ", "../../../etc", "1QJ45Y2V0ZZU", "1QJ45Y2V0Z Z", "é"] {
        assert!(text.parse::<TaskId>().is_err(), "{text}");
    }
    assert!(serde_json::from_str::<TaskId>("\"../x\"").is_err());
    assert_eq!(serde_json::to_string(&id).unwrap(), "\"1QJ45Y2V0Z11\"");
}

proptest! {
    #[test]
    fn task_ids_sort_by_time(one in 0_i64..4_000_000_000_000, other in 0_i64..4_000_000_000_000, chance: u64) {
        let ids = (TaskId::new(at(one), chance), TaskId::new(at(other), !chance));
        if one != other {
            prop_assert_eq!(one < other, ids.0 < ids.1);
        }
        prop_assert_eq!(ids.0.as_str().parse::<TaskId>().unwrap(), ids.0);
    }
}

#[test]
fn tasks_are_listed_and_found_by_prefix() {
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path();
    assert_eq!(list(state).unwrap(), []);
    assert!(find(state, "0").unwrap_err().why.contains("No task here"));
    std::fs::create_dir(state.join("tasks")).unwrap();
    for name in [
        "00000000A111.jsonl",
        "00000000A222.jsonl",
        "00000000B111.jsonl",
        "00000000A111.ask",
        "x.jsonl",
        "00000000c111.jsonl",
    ] {
        std::fs::write(state.join("tasks").join(name), "").unwrap();
    }
    let ids: Vec<String> = list(state).unwrap().into_iter().map(String::from).collect();
    assert_eq!(ids, ["00000000B111", "00000000A222", "00000000A111"]);
    assert_eq!(find(state, "oooooooob").unwrap().as_str(), "00000000B111");
    assert_eq!(find(state, "00000000A111").unwrap().as_str(), "00000000A111");
    let fault = find(state, "00000000a").unwrap_err();
    assert_eq!(fault.why, "2 tasks have an id that begins so: 00000000A222, 00000000A111.");
    for none in ["", "../", "1"] {
        assert!(find(state, none).unwrap_err().why.contains("No task here"), "{none}");
    }
}

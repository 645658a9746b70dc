#![allow(clippy::unwrap_used, reason = "a test stops at what it did not expect")]

use proptest::prelude::*;

use super::*;

fn v(text: &str) -> Version {
    text.parse().unwrap()
}

/// A text, and what it shows: engine, numbers, build, edition.
type Row = (&'static str, Engine, [u32; 4], Option<u64>, Option<Edition>);

#[test]
fn reads_every_form_a_server_shows() {
    use Edition::{Community, Enterprise};
    let table: &[Row] = &[
        ("4.2.5.1", Engine::OceanBase, [4, 2, 5, 1], None, None),
        ("V4.2.5.1", Engine::OceanBase, [4, 2, 5, 1], None, None),
        ("3.2.2-20220304134610", Engine::OceanBase, [3, 2, 2, 0], Some(20_220_304_134_610), None),
        ("2.2.77", Engine::OceanBase, [2, 2, 77, 0], None, None),
        ("1.4.79", Engine::OceanBase, [1, 4, 79, 0], None, None),
        ("seekdb 1.4.0", Engine::Seekdb, [1, 4, 0, 0], None, None),
        ("5.7.25-OceanBase_CE-v4.2.5.1", Engine::OceanBase, [4, 2, 5, 1], None, Some(Community)),
        ("5.7.25-OceanBase CE-v4.2.5.1", Engine::OceanBase, [4, 2, 5, 1], None, Some(Community)),
        ("5.7.25-OceanBase-v4.2.1.8", Engine::OceanBase, [4, 2, 1, 8], None, Some(Enterprise)),
        ("5.7.25-OceanBase seekdb-v1.2.0.0", Engine::Seekdb, [1, 2, 0, 0], None, None),
        ("3.1.5-OceanBase CE", Engine::OceanBase, [3, 1, 5, 0], None, Some(Community)),
        ("5.7.25-OceanBase_CE-v5.0.0.0", Engine::OceanBase, [5, 0, 0, 0], None, Some(Community)),
        (
            "OceanBase_CE 4.2.1.7 (r100000012023120716-hash) (Built Dec  7 2023 16:30:05)",
            Engine::OceanBase,
            [4, 2, 1, 7],
            Some(100_000_012_023_120_716),
            Some(Community),
        ),
        (
            "OceanBase 3.2.3.0 (r20220511132422-590d9fea12) (Built May 11 2022 13:37:50)",
            Engine::OceanBase,
            [3, 2, 3, 0],
            Some(20_220_511_132_422),
            None,
        ),
        (
            "OceanBase 3.2.4.1 (r101000052023010822-346aa35c) (Built Jan  8 2023 22:57:10)",
            Engine::OceanBase,
            [3, 2, 4, 1],
            Some(101_000_052_023_010_822),
            None,
        ),
        ("OceanBase 4.3.5.3 seekdb (r1.2.0.0) (Built 1-099c95 Mar 31 2026)", Engine::Seekdb, [1, 2, 0, 0], None, None),
        (
            "4.2.2.0_100000012023120716-c33e61340b84acea88d8cfe868d2a75f7f3b042d(Dec  7 2023 16:30:05)",
            Engine::OceanBase,
            [4, 2, 2, 0],
            Some(100_000_012_023_120_716),
            None,
        ),
        ("3.2.2_20220304134610-abc", Engine::OceanBase, [3, 2, 2, 0], Some(20_220_304_134_610), None),
        ("3.1.3_10100032022041510-a09d3134", Engine::OceanBase, [3, 1, 3, 0], Some(10_100_032_022_041_510), None),
        (" 4.2.5.1\n", Engine::OceanBase, [4, 2, 5, 1], None, None),
    ];
    for (text, engine, numbers, build, edition) in table {
        let found = Detected::read(text).unwrap();
        assert_eq!(found.version, Version { engine: *engine, numbers: *numbers, build: *build }, "{text}");
        assert_eq!(found.edition, *edition, "{text}");
    }
}

#[test]
fn another_product_is_not_an_oceanbase() {
    for text in [
        "5.5.5-10.11.4-MariaDB",
        "8.0.36",
        "5.7.25",
        "10.11.4-MariaDB",
        "",
        "garbage",
        "4",
        "4.2.5.1.9",
        "4.2.5.1 and more",
        "4.2.x",
        "5.7.25-OceanBase",
        "99999999999.1",
        "seekdb",
    ] {
        assert!(Detected::read(text).is_err(), "{text:?}");
    }
    let error = Detected::read("\u{1b}[2J8.0.36").unwrap_err();
    assert_eq!(error.to_string(), "\"[2J8.0.36\" is not an OceanBase version.");
}

#[test]
fn is_shown_as_oceanbase_writes_it() {
    for (text, shown, with_build) in [
        ("4.2.5.1", "V4.2.5.1", "V4.2.5.1"),
        ("4.2.2.0_100000012023120716-c33e", "V4.2.2.0", "V4.2.2.0-100000012023120716"),
        ("3.2.2-20220304134610", "V3.2.2", "V3.2.2-20220304134610"),
        ("3.2.4.1", "V3.2.4.1", "V3.2.4.1"),
        ("seekdb 1.4.0", "seekdb 1.4.0", "seekdb 1.4.0"),
    ] {
        assert_eq!(v(text).to_string(), shown);
        assert_eq!(v(text).with_build(), with_build);
    }
    assert_eq!(serde_json::to_string(&v("3.2.2-20220304134610")).unwrap(), "\"V3.2.2-20220304134610\"");
    assert_eq!(v("4.2.5.1").line(), (4, 2));
}

#[test]
fn the_tenant_gate_asks_for_the_build_only_where_the_numbers_are_its_own() {
    for (text, reach) in [
        ("3.2.1_20211031212624-2c7eade2", AtLeast::No),
        ("3.2.2-20220304134609", AtLeast::No),
        ("3.2.2-20220304134610", AtLeast::Yes),
        ("3.2.2-20220310201314", AtLeast::Yes),
        ("3.2.2", AtLeast::BuildUnknown),
        ("3.2.2_101000052022030412-a", AtLeast::No),
        ("3.2.2_101000052022030413-a", AtLeast::BuildUnknown),
        ("3.2.2_101000052022030414-a", AtLeast::Yes),
        ("3.2.3", AtLeast::Yes),
        ("4.0.0.0", AtLeast::Yes),
        ("2.2.77-20991231235959", AtLeast::No),
        ("seekdb 9.9.9", AtLeast::No),
    ] {
        assert_eq!(v(text).reaches(&Version::TENANT_BACKUP), reach, "{text}");
    }
}

#[test]
fn the_method_follows_from_the_line() {
    use Method::{Logical, Physical};
    for (text, method, known) in [
        ("1.4.79", Logical, true),
        ("2.1.1", Logical, true),
        ("2.2.52", Logical, true),
        ("2.2.59", Logical, true),
        ("2.2.60", Physical, true),
        ("2.2.77", Physical, true),
        ("2.2.78", Physical, false),
        ("3.0.0", Physical, false),
        ("3.1.0", Physical, true),
        ("3.1.5", Physical, true),
        ("3.2.4.6", Physical, true),
        ("3.3.0", Physical, false),
        ("4.0.0.0", Physical, true),
        ("4.4.9.9", Physical, true),
        ("4.5.0.0", Physical, false),
        ("V5.0.0.0", Physical, false),
        ("seekdb 1.4.0", Logical, true),
    ] {
        let choice = v(text).method();
        assert_eq!((choice.method, choice.known), (method, known), "{text}: {}", choice.reason);
    }
    assert!(v("4.9.0.0").method().reason.contains("read as the nearest one, V4.0 to V4.4"));
    assert!(v("3.0.0").method().reason.contains("V2.2.60 to V2.2.77"));
}

fn any_version() -> impl Strategy<Value = Version> {
    let build = prop_oneof![
        Just(None),
        (20_150_101_000_000_u64..20_400_101_000_000).prop_map(Some),
        (100_000_012_023_120_700_u64..100_000_012_023_120_724).prop_map(Some),
    ];
    let engine = prop_oneof![4 => Just(Engine::OceanBase), 1 => Just(Engine::Seekdb)];
    (engine, 1_u32..6, 0_u32..4, 0_u32..4, 0_u32..3, build).prop_map(|(engine, a, b, c, d, build)| Version {
        engine,
        numbers: [a, b, c, d],
        build,
    })
}

proptest! {
    #[test]
    fn what_is_printed_reads_back(version in any_version()) {
        prop_assert_eq!(v(&version.with_build()), version);
        let json = serde_json::to_string(&version).unwrap();
        prop_assert_eq!(serde_json::from_str::<Version>(&json).unwrap(), version);
    }

    #[test]
    fn any_text_is_read_or_refused(text in ".{0,60}") {
        if let Ok(found) = Detected::read(&text) {
            prop_assert_eq!(v(&found.version.with_build()), found.version);
        }
    }

    #[test]
    fn versions_of_one_engine_are_in_a_total_order(a in any_version(), b in any_version(), c in any_version()) {
        match a.partial_cmp(&b) {
            None => prop_assert_ne!(a.engine, b.engine),
            Some(order) => {
                prop_assert_eq!(a.engine, b.engine);
                prop_assert_eq!(b.partial_cmp(&a), Some(order.reverse()));
                prop_assert_eq!(order == Ordering::Equal, a == b);
            }
        }
        if a <= b && b <= c {
            prop_assert!(a <= c);
        }
    }

    #[test]
    fn an_unknown_build_comes_first(version in any_version()) {
        let unknown = Version { build: None, ..version };
        prop_assert!(unknown <= version);
    }

    #[test]
    fn what_reaches_a_gate_is_not_older(version in any_version(), gate in any_version()) {
        match version.reaches(&gate) {
            AtLeast::Yes => prop_assert!(version >= gate || gate.build.is_some_and(|g| made_at(g).0 == made_at(version.build.unwrap_or(0)).0)),
            AtLeast::No => prop_assert!(version.partial_cmp(&gate) != Some(Ordering::Greater)),
            AtLeast::BuildUnknown => prop_assert_eq!(version.numbers, gate.numbers),
        }
    }
}

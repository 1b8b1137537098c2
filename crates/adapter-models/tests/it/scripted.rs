use std::process::Command;
use std::time::Duration;

use adapter_models::scripted::{
    Failure, SCRIPTED_TEXT, Script, ScriptError, ScriptedCall, ScriptedClass, ScriptedStep,
};
use adapter_models::{ScriptedModel, ScriptedRetriever};
use contracts::TenantId;
use engine::ErrorClass;
use engine::ports::{LanguageModel, ModelError, RetrievalQuery, Retriever};
use proptest::prelude::{Strategy, any, prop_assert, prop_assert_eq, prop_oneof, proptest};
use tokio::time::Instant;

use crate::support::{Asked, Kept, call, plan};

const EXIT_PROBE: &str = "ASSAY_TEST_EXIT_PROBE";

fn query(question: &str) -> RetrievalQuery {
    RetrievalQuery {
        tenant: TenantId::default_tenant(),
        company: Some("3M".to_owned()),
        document_ids: None,
        question: question.to_owned(),
        plan: plan(&[&["net sales"]], &[2018]),
        limit: 8,
    }
}

async fn asked(question: &str) -> Asked {
    let retriever = ScriptedRetriever::new(Duration::ZERO, None);
    let retrieved = retriever.retrieve(&call(0), &query(question)).await.expect("a passage");
    Asked {
        company: "3M".to_owned(),
        question: question.to_owned(),
        plan: plan(&[&["net sales"]], &[2018]),
        passages: retrieved.passages,
    }
}

#[tokio::test]
async fn every_question_has_the_same_verified_answer() {
    for question in ["What were net sales in 2018?", "Net sales?"] {
        let asked = asked(question).await;
        let model = ScriptedModel::new(Duration::ZERO, None);
        assert_eq!(model.name(), "scripted");
        let result = asked.verified(&asked.answered_by(&model).await).unwrap();
        assert_eq!(result.summary, SCRIPTED_TEXT);
        assert_eq!(result.sources.len(), 1);
        assert_eq!(result.sources[0].excerpt, SCRIPTED_TEXT);
        assert_eq!((result.sources[0].company.as_str(), result.sources[0].page), ("3M", Some(1)));
    }
}

#[tokio::test(start_paused = true)]
async fn a_call_takes_its_latency_unless_the_script_says_otherwise() {
    let latency = Duration::from_secs(3);
    let model = ScriptedModel::new(latency, None);
    let retriever = ScriptedRetriever::new(latency, None);
    for (question, expected) in
        [("Net sales?", latency), ("script: delay_ms=2000", Duration::from_secs(2))]
    {
        let asked = asked(question).await;
        let before = Instant::now();
        asked.answered_by(&model).await;
        assert_eq!(before.elapsed(), expected);
        let before = Instant::now();
        retriever.retrieve(&call(0), &query(question)).await.unwrap();
        assert_eq!(before.elapsed(), expected);
    }
}

#[tokio::test]
async fn calls_fail_until_the_job_has_had_its_failures() {
    let model = ScriptedModel::new(Duration::ZERO, None);
    for (class, expected) in [
        ("transient", ErrorClass::Transient { retry_after: None }),
        ("rate_limited", ErrorClass::RateLimited { retry_after: None }),
        ("timeout", ErrorClass::Timeout),
        ("permanent", ErrorClass::Permanent),
    ] {
        let asked = asked(&format!("script: fail={class}*2")).await;
        for failures in [0, 1] {
            assert_eq!(asked.refused_by(&model, failures).await.class(), expected);
        }
        let mut output = Kept::default();
        let third = model.synthesize(&call(2), &asked.request(), &mut output).await;
        assert!(third.is_ok(), "{class}");

        let retriever = ScriptedRetriever::new(Duration::ZERO, None);
        let query = query(&format!("script: fail={class}*1 step=retrieve"));
        let error = retriever.retrieve(&call(0), &query).await.unwrap_err();
        assert_eq!(error.class(), expected);
        retriever.retrieve(&call(1), &query).await.unwrap();
    }
}

#[tokio::test]
async fn a_long_answer_has_its_bytes_and_holds_up_to_verification() {
    for bytes in [1, 59, 60, 1_000, 1_001, 200_000] {
        let asked = asked(&format!("script: output_bytes={bytes}")).await;
        let model = ScriptedModel::new(Duration::ZERO, None);
        let mut output = Kept::default();
        let synthesis = model.synthesize(&call(0), &asked.request(), &mut output).await.unwrap();
        assert_eq!(synthesis.text.len(), bytes);
        assert_eq!(output.pieces.concat(), synthesis.text);
        assert!(output.pieces.iter().all(|piece| piece.len() <= 1_000));
        let lenient = Asked { plan: plan(&[], &[]), ..asked };
        lenient.verified(&synthesis).unwrap();
    }
}

#[tokio::test]
async fn a_script_that_cannot_be_read_is_refused_for_good_and_by_name() {
    let model = ScriptedModel::new(Duration::ZERO, None);
    for (question, word) in [
        ("script: dance", "dance"),
        ("script: speed=3", "speed=3"),
        ("SCRIPT: delay_ms=3600001", "delay_ms=3600001"),
        ("script: output_bytes=64000001", "output_bytes=64000001"),
        ("script: output_bytes=0", "output_bytes=0"),
        ("script: fail=sometimes", "fail=sometimes"),
        ("script: exit=256", "exit=256"),
        ("script: exit=1 exit=2", "exit=2"),
        ("script: tool=calculator", "tool=calculator"),
        ("script: tool=a:{1", "tool=a:{1"),
    ] {
        let error = asked(question).await.refused_by(&model, 0).await;
        assert_eq!(error.class(), ErrorClass::Permanent);
        assert!(error.to_string().contains(word), "{error}");
    }
}

#[tokio::test]
async fn each_call_is_written_down_before_anything_else() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("ledger.jsonl");
    let retriever = ScriptedRetriever::new(Duration::ZERO, Some(path.clone()));
    let model = ScriptedModel::new(Duration::ZERO, Some(path.clone()));
    let asked = asked("script: fail=permanent").await;
    let call = call(0);
    retriever.retrieve(&call, &query(&asked.question)).await.unwrap();
    let mut output = Kept::default();
    model.synthesize(&call, &asked.request(), &mut output).await.unwrap_err();
    let job_id = call.job_id;
    let expected = format!(
        "{{\"job_id\":\"{job_id}\",\"step\":\"retrieve\",\"attempt\":1}}\n\
         {{\"job_id\":\"{job_id}\",\"step\":\"synthesize\",\"attempt\":1}}\n"
    );
    assert_eq!(std::fs::read_to_string(path).unwrap(), expected);
}

#[tokio::test]
#[should_panic(expected = "the script asks for it")]
async fn a_bug_is_a_panic() {
    let model = ScriptedModel::new(Duration::ZERO, None);
    asked("script: fail=bug").await.refused_by(&model, 0).await;
}

#[tokio::test]
async fn a_ledger_that_cannot_be_written_is_a_bug_and_not_silence() {
    let directory = tempfile::tempdir().unwrap();
    let model = ScriptedModel::new(Duration::ZERO, Some(directory.path().to_owned()));
    let error = asked("Net sales?").await.refused_by(&model, 0).await;
    assert!(matches!(error, ModelError::Bug(_)));
}

/// Ends its own process, but only as the child of the test below.
#[tokio::test]
async fn exit_probe() {
    if std::env::var_os(EXIT_PROBE).is_some() {
        let model = ScriptedModel::new(Duration::ZERO, None);
        asked("script: exit=7").await.answered_by(&model).await;
    }
}

#[test]
fn a_script_can_end_the_process() {
    let status = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "scripted::exit_probe"])
        .env(EXIT_PROBE, "1")
        .output()
        .unwrap()
        .status;
    assert_eq!(status.code(), Some(7));
}

fn scripts() -> impl Strategy<Value = Script> {
    let class = prop_oneof![
        proptest::strategy::Just(ScriptedClass::Transient),
        proptest::strategy::Just(ScriptedClass::RateLimited),
        proptest::strategy::Just(ScriptedClass::Timeout),
        proptest::strategy::Just(ScriptedClass::Permanent),
        proptest::strategy::Just(ScriptedClass::Bug),
    ];
    let step = prop_oneof![
        proptest::strategy::Just(ScriptedStep::Retrieve),
        proptest::strategy::Just(ScriptedStep::Tools),
        proptest::strategy::Just(ScriptedStep::Synthesize),
    ];
    let failure = (class, any::<u32>()).prop_map(|(class, times)| Failure { class, times });
    let delay = (0..=3_600_000_u64).prop_map(Duration::from_millis);
    let call = ("[a-z_]{1,9}", "[0-9+*/.]{1,9}|\\{\"n\":[1-9]\\}")
        .prop_map(|(tool, argument)| ScriptedCall { tool, argument });
    (
        proptest::option::of(delay),
        proptest::option::of(failure),
        step,
        proptest::option::of(1..=Script::OUTPUT_BYTES_MAX),
        proptest::option::of(any::<u8>()),
        proptest::collection::vec(call, 0..3),
        proptest::option::of(any::<u32>()),
    )
        .prop_map(|(delay, failure, step, output_bytes, exit_code, tools, tool_rounds)| {
            Script { delay, failure, step, output_bytes, exit_code, tools, tool_rounds }
        })
}

fn written(script: &Script) -> String {
    let class = |class| match class {
        ScriptedClass::Transient => "transient",
        ScriptedClass::RateLimited => "rate_limited",
        ScriptedClass::Timeout => "timeout",
        ScriptedClass::Permanent => "permanent",
        ScriptedClass::Bug => "bug",
    };
    let mut words = vec![format!("step={}", script.step.as_str())];
    words.extend(script.delay.map(|delay| format!("delay_ms={}", delay.as_millis())));
    let failure = script.failure;
    words.extend(failure.map(|failure| format!("fail={}*{}", class(failure.class), failure.times)));
    words.extend(script.output_bytes.map(|bytes| format!("output_bytes={bytes}")));
    words.extend(script.exit_code.map(|code| format!("exit={code}")));
    let calls = script.tools.iter();
    words.extend(calls.map(|call| format!("tool={}:{}", call.tool, call.argument)));
    words.extend(script.tool_rounds.map(|rounds| format!("tool_rounds={rounds}")));
    format!("script: {}", words.join(" "))
}

proptest! {
    #[test]
    fn a_written_script_reads_back_as_itself(script in scripts()) {
        prop_assert_eq!(Script::of(&written(&script)), Ok(script));
    }

    #[test]
    fn any_question_is_a_script_within_bounds_or_an_error_with_a_word_of_it(
        question in "(script:)?[ a-z_=*0-9\\PC]{0,60}"
    ) {
        match Script::of(&question) {
            Ok(script) => {
                prop_assert!(script.delay.unwrap_or_default() <= Script::DELAY_MAX);
                prop_assert!(script.output_bytes.unwrap_or(1) <= Script::OUTPUT_BYTES_MAX);
            }
            Err(
                ScriptError::UnknownWord(word)
                | ScriptError::BadValue(word)
                | ScriptError::Twice(word),
            ) => prop_assert!(question.contains(&word)),
        }
    }
}

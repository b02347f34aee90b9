package main

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"roster/internal/function"
	"roster/internal/table"
)

func triggeredBy(trigger function.Trigger) []function.Function {
	return slices.DeleteFunc(slices.Clone(function.All), func(f function.Function) bool { return f.Trigger != trigger })
}

// mappings are the event source mappings, by the trigger of the function that each
// feeds.
func mappings(t *testing.T) map[function.Trigger]map[string]any {
	t.Helper()
	all := map[function.Trigger]map[string]any{}
	for _, r := range plain.async.of("AWS::Lambda::EventSourceMapping") {
		for _, f := range function.All {
			if id, _, _ := plain.lambda(t, f.Name); at(r.Properties, "FunctionName", "Ref") == id {
				all[f.Trigger] = r.Properties
			}
		}
	}
	return all
}

func TestStreamFeedsNewItemsOnly(t *testing.T) {
	t.Parallel()
	all := mappings(t)
	prefixes := map[function.Trigger]string{function.Outbox: table.OutboxPrefix, function.Jobs: table.JobCallPrefix}
	if n := len(plain.async.of("AWS::Lambda::EventSourceMapping")); n != len(prefixes) || len(all) != len(prefixes) {
		t.Fatalf("%d mappings feed %d functions, want %d", n, len(all), len(prefixes))
	}
	for trigger, prefix := range prefixes {
		mapping := all[trigger]
		if !strings.Contains(text(mapping["EventSourceArn"]), "StreamArn") {
			t.Errorf("the source is %v, want the table's stream", mapping["EventSourceArn"])
		}
		var filter any
		pattern, _ := at(mapping, "FilterCriteria", "Filters", 0, "Pattern").(string)
		if err := json.Unmarshal([]byte(pattern), &filter); err != nil {
			t.Fatalf("filter %q: %v", pattern, err)
		}
		want := map[string]any{
			"eventName": []any{"INSERT"},
			"dynamodb": map[string]any{"Keys": map[string]any{"pk": map[string]any{
				"S": []any{map[string]any{"prefix": prefix}},
			}}},
		}
		if diff := cmp.Diff(any(want), filter); diff != "" {
			t.Errorf("filter (-want +got):\n%s", diff)
		}
		if n := len(at(mapping, "FilterCriteria", "Filters").([]any)); n != 1 {
			t.Errorf("%d filters, of which one would do: filters are alternatives", n)
		}
	}
}

func TestOneBadItemHoldsUpNoOther(t *testing.T) {
	t.Parallel()
	for _, mapping := range mappings(t) {
		if mapping["BisectBatchOnFunctionError"] != true || text(mapping["FunctionResponseTypes"]) != `["ReportBatchItemFailures"]` {
			t.Errorf("a batch fails as a whole: %v", mapping)
		}
		for _, bound := range []string{"MaximumRetryAttempts", "MaximumRecordAgeInSeconds"} {
			if n, _ := mapping[bound].(float64); n <= 0 {
				t.Errorf("%s is %v: a failing item would block its shard for a day", bound, mapping[bound])
			}
		}
		queue, _ := at(mapping, "DestinationConfig", "OnFailure", "Destination", "Fn::GetAtt", 0).(string)
		if plain.async.Resources[queue].Type != "AWS::SQS::Queue" {
			t.Errorf("what fails goes to %q, want a queue", queue)
		}
	}
}

// TestLongJobHoldsUpNoOther: a call is a batch of its own, and those of other
// partitions are heard meanwhile.
func TestLongJobHoldsUpNoOther(t *testing.T) {
	t.Parallel()
	mapping := mappings(t)[function.Jobs]
	if mapping["BatchSize"] != 1.0 || mapping["ParallelizationFactor"] != 10.0 {
		t.Errorf("batches of %v, %v at once", mapping["BatchSize"], mapping["ParallelizationFactor"])
	}
}

func TestDeadLettersAreKeptForTwoWeeks(t *testing.T) {
	t.Parallel()
	queues := plain.async.of("AWS::SQS::Queue")
	want := len(triggeredBy(function.Outbox)) + len(triggeredBy(function.Jobs)) + len(triggeredBy(function.MailEvents))
	if len(queues) != want {
		t.Errorf("%d queues, want %d", len(queues), want)
	}
	for id, r := range queues {
		if r.Properties["MessageRetentionPeriod"] != (14*24*time.Hour).Seconds() || r.Properties["SqsManagedSseEnabled"] != true {
			t.Errorf("%s: %v", id, r.Properties)
		}
	}
}

func TestScheduledFunctionsRunAtTheirInterval(t *testing.T) {
	t.Parallel()
	got := map[string]string{}
	for _, r := range plain.async.of("AWS::Scheduler::Schedule") {
		id, _ := at(r.Properties, "Target", "Arn", "Fn::GetAtt", 0).(string)
		got[id], _ = r.Properties["ScheduleExpression"].(string)
	}
	want := map[string]string{}
	for _, f := range triggeredBy(function.Schedule) {
		id, _, _ := plain.lambda(t, f.Name)
		unit := "minutes"
		if f.Interval == time.Minute {
			unit = "minute"
		}
		want[id] = fmt.Sprintf("rate(%v %s)", f.Interval.Minutes(), unit)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("schedules (-want +got):\n%s", diff)
	}
}

func TestFateOfMailsIsReported(t *testing.T) {
	t.Parallel()
	destination := plain.async.only(t, "AWS::SES::ConfigurationSetEventDestination").Properties
	events := list(at(destination, "EventDestination", "MatchingEventTypes"))
	slices.Sort(events)
	// Neither "open" nor "click": nobody is tracked.
	if want := []string{"bounce", "complaint", "delivery", "reject", "send"}; !slices.Equal(events, want) {
		t.Errorf("SES reports %v, want %v", events, want)
	}
	if bus := text(at(destination, "EventDestination", "EventBridgeDestination", "EventBusArn")); !strings.Contains(bus, "event-bus/default") {
		t.Errorf("SES reports to %s; it can only to the default bus", bus)
	}
	rule := plain.async.only(t, "AWS::Events::Rule").Properties
	if source := text(at(rule, "EventPattern", "source")); source != `["aws.ses"]` {
		t.Errorf("the rule's source is %s", source)
	}
	own := at(rule, "EventPattern", "detail", "mail", "tags", "ses:configuration-set", 0)
	if diff := cmp.Diff(destination["ConfigurationSetName"], own); diff != "" {
		t.Errorf("the rule is not bound to the deployment's own mails (-want +got):\n%s", diff)
	}
	id, _, _ := plain.lambda(t, triggeredBy(function.MailEvents)[0].Name)
	target := at(rule, "Targets", 0)
	if at(target, "Arn", "Fn::GetAtt", 0) != id || at(target, "DeadLetterConfig", "Arn") == nil {
		t.Errorf("the rule's target is %v, want %s with a dead-letter queue", target, id)
	}
}

func TestMailIsSuppressedAndEncrypted(t *testing.T) {
	t.Parallel()
	set := plain.data.only(t, "AWS::SES::ConfigurationSet").Properties
	if got := text(at(set, "SuppressionOptions", "SuppressedReasons")); got != `["BOUNCE","COMPLAINT"]` {
		t.Errorf("addresses are suppressed after %s", got)
	}
	if at(set, "DeliveryOptions", "TlsPolicy") != "REQUIRE" || set["TrackingOptions"] != nil {
		t.Errorf("configuration set: %v", set)
	}
	if got := custom.data.only(t, "AWS::SES::EmailIdentity").Properties["EmailIdentity"]; got != "mail.acme.example" {
		t.Errorf("SES is told of %v, want the mail domain", got)
	}
	if n := len(plain.data.of("AWS::SES::EmailIdentity")); n != 0 {
		t.Errorf("%d identities without a mail domain", n)
	}
}

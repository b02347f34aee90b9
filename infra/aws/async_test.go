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

// mappings are those of the stream, by the name of their function.
func mappings(t *testing.T) map[string]map[string]any {
	t.Helper()
	all := map[string]map[string]any{}
	for _, r := range plain.async.of("AWS::Lambda::EventSourceMapping") {
		for _, f := range triggeredBy(function.Stream) {
			if id, _, _ := plain.lambda(t, f.Name); at(r.Properties, "FunctionName", "Ref") == id {
				all[f.Name] = r.Properties
			}
		}
	}
	return all
}

func TestFunctionsOfTheStreamGetTheirRecordsOnly(t *testing.T) {
	t.Parallel()
	prefix := func(s string) map[string]any { return map[string]any{"S": []any{map[string]any{"prefix": s}}} }
	keys := func(keys map[string]any) map[string]any {
		return map[string]any{"dynamodb": map[string]any{"Keys": keys}}
	}
	mail := keys(map[string]any{"pk": prefix(table.OutboxPrefix)})
	calls := keys(map[string]any{"pk": prefix(table.JobCallPrefix)})
	usage := keys(map[string]any{"pk": prefix(table.UsageEventPrefix)})
	for _, filter := range []map[string]any{mail, calls, usage} {
		filter["eventName"] = []any{"INSERT"}
	}
	want := map[string][]any{
		"notify": {mail}, "run-jobs": {calls},
		"arrange": {
			keys(map[string]any{"pk": prefix(table.MemberPrefix)}), keys(map[string]any{"pk": prefix(table.InvitationPrefix)}),
			keys(map[string]any{"pk": prefix(table.UserPrefix), "sk": prefix(table.SessionPrefix)}), usage,
		},
	}
	got := map[string][]any{}
	for name, mapping := range mappings(t) {
		if !strings.Contains(text(mapping["EventSourceArn"]), "StreamArn") {
			t.Errorf("%s: the source is %v, want the table's stream", name, mapping["EventSourceArn"])
		}
		for _, filter := range at(mapping, "FilterCriteria", "Filters").([]any) {
			var pattern any
			if err := json.Unmarshal([]byte(at(filter, "Pattern").(string)), &pattern); err != nil {
				t.Fatalf("filter %v: %v", filter, err)
			}
			got[name] = append(got[name], pattern)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("filters (-want +got):\n%s", diff)
	}
	if window := mappings(t)["arrange"]["MaximumBatchingWindowInSeconds"]; window != 1.0 {
		t.Errorf("lists wait %v seconds for further changes", window)
	}
}

func TestOneBadRecordHoldsUpNoOther(t *testing.T) {
	t.Parallel()
	for name, mapping := range mappings(t) {
		if mapping["BisectBatchOnFunctionError"] != true || text(mapping["FunctionResponseTypes"]) != `["ReportBatchItemFailures"]` {
			t.Errorf("%s: a batch fails as a whole: %v", name, mapping)
		}
		for _, bound := range []string{"MaximumRetryAttempts", "MaximumRecordAgeInSeconds"} {
			if n, _ := mapping[bound].(float64); n <= 0 {
				t.Errorf("%s: %s is %v: a failing record would block its shard for a day", name, bound, mapping[bound])
			}
		}
		queue, _ := at(mapping, "DestinationConfig", "OnFailure", "Destination", "Fn::GetAtt", 0).(string)
		if plain.async.Resources[queue].Type != "AWS::SQS::Queue" {
			t.Errorf("%s: what fails goes to %q, want a queue", name, queue)
		}
	}
}

// TestLongJobHoldsUpNoOther: a call is a batch of its own, and those of other
// partitions are heard meanwhile.
func TestLongJobHoldsUpNoOther(t *testing.T) {
	t.Parallel()
	mapping := mappings(t)["run-jobs"]
	if mapping["BatchSize"] != 1.0 || mapping["ParallelizationFactor"] != 10.0 {
		t.Errorf("batches of %v, %v at once", mapping["BatchSize"], mapping["ParallelizationFactor"])
	}
}

func TestDeadLettersAreKeptForTwoWeeks(t *testing.T) {
	t.Parallel()
	queues := plain.async.of("AWS::SQS::Queue")
	want := len(triggeredBy(function.Stream)) + len(triggeredBy(function.MailEvents))
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

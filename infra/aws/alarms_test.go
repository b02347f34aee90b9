package main

import (
	"slices"
	"strings"
	"testing"

	"roster/internal/function"
	"roster/internal/table"
)

// alarmOn finds the alarm on a metric of the resource with a logical id, or of any.
func alarmOn(t *testing.T, stack template, metric, id string) map[string]any {
	t.Helper()
	for _, r := range stack.of("AWS::CloudWatch::Alarm") {
		if r.Properties["MetricName"] == metric && (id == "" || strings.Contains(text(r.Properties["Dimensions"]), `"`+id+`"`)) {
			return r.Properties
		}
	}
	t.Errorf("no alarm on %s of %s", metric, id)
	return nil
}

func TestOperatorIsAlarmed(t *testing.T) {
	t.Parallel()
	for _, f := range function.All {
		id, _, stack := plain.lambda(t, f.Name)
		alarmOn(t, stack, "Errors", id)
		switch f.Trigger {
		case function.Stream:
			if a := alarmOn(t, stack, "IteratorAge", id); a["Threshold"] != 60_000.0 {
				t.Errorf("%s: alarm at a lag of %v ms, want 60,000", f.Name, a["Threshold"])
			}
		case function.Schedule:
			if a := alarmOn(t, stack, "Invocations", id); a["TreatMissingData"] != "breaching" {
				t.Errorf("%s: no alarm when it does not run at all", f.Name)
			}
		}
	}
	for id := range plain.async.of("AWS::SQS::Queue") {
		if a := alarmOn(t, plain.async, "ApproximateNumberOfMessagesVisible", id); a["Threshold"] != 0.0 {
			t.Errorf("%s: alarm above %v messages, want 0", id, a["Threshold"])
		}
	}
	alarmOn(t, plain.api, "5xx", "")
	alarmOn(t, plain.data, "Reputation.BounceRate", "")
	alarmOn(t, plain.data, "Reputation.ComplaintRate", "")
}

func TestThrottlingOfTableAndIndexesIsWatched(t *testing.T) {
	t.Parallel()
	var watched []string
	for _, r := range plain.data.of("AWS::CloudWatch::Alarm") {
		metrics, _ := r.Properties["Metrics"].([]any)
		for _, m := range metrics {
			name, _ := at(m, "MetricStat", "Metric", "MetricName").(string)
			index, _ := at(m, "MetricStat", "Metric", "Dimensions", 0, "Value").(string)
			watched = append(watched, name+" "+index)
		}
	}
	for _, metric := range []string{"ReadThrottleEvents", "WriteThrottleEvents"} {
		for _, index := range append([]table.Index{{}}, table.Indexes...) {
			if want := metric + " " + index.Name; !slices.Contains(watched, want) {
				t.Errorf("nobody watches %q", want)
			}
		}
	}
}

func TestAlarmsReachTheirTopic(t *testing.T) {
	t.Parallel()
	for name, stack := range plain.stacks() {
		for id, r := range stack.of("AWS::CloudWatch::Alarm") {
			if !strings.Contains(text(r.Properties["AlarmActions"]), "Alarms") {
				t.Errorf("%s: %s tells nobody", name, id)
			}
		}
	}
	policy := text(plain.data.only(t, "AWS::SNS::TopicPolicy").Properties)
	if !strings.Contains(policy, "cloudwatch.amazonaws.com") {
		t.Errorf("CloudWatch may not publish to the topic: %s", policy)
	}
}

func TestAlarmsAreMailed(t *testing.T) {
	t.Parallel()
	subscription := custom.data.only(t, "AWS::SNS::Subscription").Properties
	if subscription["Protocol"] != "email" || subscription["Endpoint"] != customContext["alarmEmail"] {
		t.Errorf("subscription: %v", subscription)
	}
	if n := len(plain.data.of("AWS::SNS::Subscription")); n != 0 {
		t.Errorf("%d subscriptions without an address", n)
	}
}

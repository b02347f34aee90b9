package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsapigatewayv2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awscloudwatch"
	"github.com/aws/aws-cdk-go/awscdk/v2/awscloudwatchactions"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsdynamodb"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssns"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssnssubscriptions"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssqs"

	"roster/internal/function"
	"roster/internal/table"
)

// alarms tells the operator, through one topic.
type alarms struct {
	topic awssns.Topic
}

func newAlarms(stack awscdk.Stack, s settings) alarms {
	topic := awssns.NewTopic(stack, new("Alarms"), &awssns.TopicProps{
		DisplayName: new("Roster alarms"), EnforceSSL: new(true),
	})
	// A topic with a policy of its own has lost SNS's default one, which let the
	// account's alarms publish.
	topic.AddToResourcePolicy(awsiam.NewPolicyStatement(&awsiam.PolicyStatementProps{
		Principals: &[]awsiam.IPrincipal{awsiam.NewServicePrincipal(new("cloudwatch.amazonaws.com"), nil)},
		Actions:    &[]*string{new("sns:Publish")},
		Resources:  &[]*string{topic.TopicArn()},
		Conditions: &map[string]any{"StringEquals": map[string]any{"aws:SourceAccount": stack.Account()}},
	}))
	if s.AlarmEmail != "" {
		topic.AddSubscription(awssnssubscriptions.NewEmailSubscription(&s.AlarmEmail, nil))
	}
	a := alarms{topic: topic}
	// SES reviews an account above 5 % bounces or 0.1 % complaints, and may pause it
	// (https://docs.aws.amazon.com/ses/latest/dg/reputation-dashboard-dg.html).
	a.onReputation(stack, "BounceRate", 0.05)
	a.onReputation(stack, "ComplaintRate", 0.001)
	return a
}

// alarm fires when a metric, over its period, is above a limit.
type alarm struct {
	id, description string
	metric          awscloudwatch.IMetric
	above           float64
}

func (a alarms) add(stack awscdk.Stack, spec alarm) {
	awscloudwatch.NewAlarm(stack, new(spec.id+"Alarm"), &awscloudwatch.AlarmProps{
		AlarmDescription:   new("Roster: " + spec.description),
		Metric:             spec.metric,
		Threshold:          &spec.above,
		ComparisonOperator: awscloudwatch.ComparisonOperator_GREATER_THAN_THRESHOLD,
		EvaluationPeriods:  new(1.0),
		TreatMissingData:   awscloudwatch.TreatMissingData_NOT_BREACHING,
	}).AddAlarmAction(awscloudwatchactions.NewSnsAction(a.topic))
}

func (a alarms) onErrors(stack awscdk.Stack, f function.Function, lambda awslambda.Function) {
	a.add(stack, alarm{
		id: logicalID(f.Name) + "Errors", description: f.Name + " failed",
		metric: lambda.MetricErrors(over(5*time.Minute, "Sum")),
	})
}

func (a alarms) onServerErrors(stack awscdk.Stack, gateway awsapigatewayv2.HttpApi) {
	a.add(stack, alarm{
		id: "ServerErrors", description: "the API answered more than 5 requests with a 5xx within 5 minutes",
		metric: gateway.MetricServerError(over(5*time.Minute, "Sum")), above: 5,
	})
}

func (a alarms) onLag(stack awscdk.Stack, f function.Function, lambda awslambda.Function) {
	a.add(stack, alarm{
		id: logicalID(f.Name) + "Lag", description: f.Name + " is more than 60 seconds behind the table's stream",
		metric: lambda.Metric(new("IteratorAge"), over(time.Minute, "Maximum")), above: 60_000,
	})
}

// onMissedRuns watches for silence: a schedule that no longer starts its function.
func (a alarms) onMissedRuns(stack awscdk.Stack, f function.Function, lambda awslambda.Function) {
	period := max(5*time.Minute, 2*f.Interval)
	awscloudwatch.NewAlarm(stack, new(logicalID(f.Name)+"MissedAlarm"), &awscloudwatch.AlarmProps{
		AlarmDescription:   new(fmt.Sprintf("Roster: %s did not run for %v", f.Name, period)),
		Metric:             lambda.MetricInvocations(over(period, "Sum")),
		Threshold:          new(1.0),
		ComparisonOperator: awscloudwatch.ComparisonOperator_LESS_THAN_THRESHOLD,
		EvaluationPeriods:  new(1.0),
		TreatMissingData:   awscloudwatch.TreatMissingData_BREACHING,
	}).AddAlarmAction(awscloudwatchactions.NewSnsAction(a.topic))
}

func (a alarms) onDeadLetters(stack awscdk.Stack, f function.Function, queue awssqs.Queue) {
	a.add(stack, alarm{
		id: logicalID(f.Name) + "DeadLetters", description: f.Name + " gave up on events: see its dead-letter queue",
		metric: queue.MetricApproximateNumberOfMessagesVisible(over(time.Minute, "Maximum")),
	})
}

// onThrottling watches table and indexes: a throttled index holds up the table's
// writes.
func (a alarms) onThrottling(stack awscdk.Stack, t awsdynamodb.TableV2) {
	metrics := map[string]awscloudwatch.IMetric{}
	var terms []string
	add := func(event string, dimensions map[string]*string) {
		id := fmt.Sprintf("m%d", len(metrics))
		terms = append(terms, "FILL("+id+", 0)")
		dimensions["TableName"] = t.TableName()
		metrics[id] = awscloudwatch.NewMetric(&awscloudwatch.MetricProps{
			Namespace: new("AWS/DynamoDB"), MetricName: &event, DimensionsMap: &dimensions,
			Statistic: new("Sum"), Period: duration(5 * time.Minute),
		})
	}
	for _, event := range []string{"ReadThrottleEvents", "WriteThrottleEvents"} {
		add(event, map[string]*string{})
		for _, index := range table.Indexes {
			add(event, map[string]*string{"GlobalSecondaryIndexName": &index.Name})
		}
	}
	a.add(stack, alarm{
		id: "Throttled", description: "DynamoDB throttled requests to the table or an index",
		metric: awscloudwatch.NewMathExpression(&awscloudwatch.MathExpressionProps{
			Expression: new(strings.Join(terms, " + ")), UsingMetrics: &metrics, Period: duration(5 * time.Minute),
		}),
	})
}

// onReputation watches a rate of the whole account: it is what SES judges.
func (a alarms) onReputation(stack awscdk.Stack, rate string, above float64) {
	a.add(stack, alarm{
		id: rate, description: fmt.Sprintf("SES's %s of the account is above %v", rate, above),
		metric: awscloudwatch.NewMetric(&awscloudwatch.MetricProps{
			Namespace: new("AWS/SES"), MetricName: new("Reputation." + rate),
			Statistic: new("Maximum"), Period: duration(time.Hour),
		}),
		above: above,
	})
}

func over(period time.Duration, statistic string) *awscloudwatch.MetricOptions {
	return &awscloudwatch.MetricOptions{Period: duration(period), Statistic: &statistic}
}

package main

import (
	"time"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsevents"
	"github.com/aws/aws-cdk-go/awscdk/v2/awseventstargets"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambdadestinations"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambdaeventsources"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsscheduler"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsschedulertargets"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsses"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssqs"

	"roster/internal/function"
	"roster/internal/table"
)

// newAsync makes the stack of what runs without a caller.
func newAsync(app awscdk.App, s settings, d data, publicURL *string, dist string) {
	stack := awscdk.NewStack(app, new(s.Name+"-Async"), &awscdk.StackProps{
		Description: new("Roster: mail, schedules and their functions"),
	})
	fs := functions{stack: stack, settings: s, data: d, publicURL: publicURL, dist: dist}
	for _, f := range function.All {
		switch f.Trigger {
		case function.HTTP:
		case function.Outbox:
			onInserts(stack, d, f, fs.add(f), inserts{prefix: table.OutboxPrefix, batch: 10, parallel: 1})
		case function.Jobs:
			onInserts(stack, d, f, fs.add(f), inserts{prefix: table.JobCallPrefix, batch: 1, parallel: 10})
		case function.Schedule:
			onSchedule(stack, d, f, fs.add(f))
		case function.MailEvents:
			onMailEvents(stack, d, f, fs.add(f))
		}
	}
}

// inserts are new items of the table.
type inserts struct {
	// prefix begins their partition keys.
	prefix string
	// batch is how many the function gets at a time at most, and parallel how many
	// batches it gets at once from one shard of the stream (1 to 10).
	batch, parallel float64
}

// onInserts feeds new items to a function. What it fails at, again and again, goes
// to a dead-letter queue, as the position in the stream.
func onInserts(stack awscdk.Stack, d data, f function.Function, lambda awslambda.Function, of inserts) {
	// The actions that Lambda's poller takes with the function's role.
	lambda.AddToRolePolicy(allow([]string{
		"dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator", "dynamodb:ListStreams",
	}, *d.table.TableStreamArn()))
	awslambda.NewEventSourceMapping(stack, new(logicalID(f.Name)+"Stream"), &awslambda.EventSourceMappingProps{
		Target:         lambda,
		EventSourceArn: d.table.TableStreamArn(),
		Filters: &[]*map[string]any{awslambda.FilterCriteria_Filter(&map[string]any{
			"eventName": awslambda.FilterRule_IsEqual(new("INSERT")),
			"dynamodb": map[string]any{"Keys": map[string]any{"pk": map[string]any{
				"S": awslambda.FilterRule_BeginsWith(&of.prefix),
			}}},
		})},
		StartingPosition:        awslambda.StartingPosition_TRIM_HORIZON,
		BatchSize:               &of.batch,
		ParallelizationFactor:   &of.parallel,
		BisectBatchOnError:      new(true),
		ReportBatchItemFailures: new(true),
		RetryAttempts:           new(3.0),
		MaxRecordAge:            duration(time.Hour),
		OnFailure:               awslambdaeventsources.NewSqsDlq(deadLetters(stack, d, f)),
	})
	d.alarms.onLag(stack, f, lambda)
}

// onSchedule runs a function at every interval. A failed run is not repeated: the
// next one does its work.
func onSchedule(stack awscdk.Stack, d data, f function.Function, lambda awslambda.Function) {
	lambda.ConfigureAsyncInvoke(&awslambda.EventInvokeConfigOptions{
		RetryAttempts: new(0.0), MaxEventAge: duration(max(f.Interval, time.Minute)),
	})
	awsscheduler.NewSchedule(stack, new(logicalID(f.Name)+"Schedule"), &awsscheduler.ScheduleProps{
		Description: new("Roster: " + f.Name),
		Schedule:    awsscheduler.ScheduleExpression_Rate(duration(f.Interval)),
		Target: awsschedulertargets.NewLambdaInvoke(lambda, &awsschedulertargets.ScheduleTargetBaseProps{
			RetryAttempts: new(0.0),
		}),
	})
	d.alarms.onMissedRuns(stack, f, lambda)
}

// onMailEvents feeds what SES reports about the deployment's mails to a function.
// SES publishes to the default bus only.
func onMailEvents(stack awscdk.Stack, d data, f function.Function, lambda awslambda.Function) {
	d.mail.publish(stack)
	queue := deadLetters(stack, d, f)
	lambda.ConfigureAsyncInvoke(&awslambda.EventInvokeConfigOptions{
		OnFailure: awslambdadestinations.NewSqsDestination(queue),
	})
	awsevents.NewRule(stack, new(logicalID(f.Name)+"Rule"), &awsevents.RuleProps{
		Description: new("Roster: " + f.Name),
		EventPattern: &awsevents.EventPattern{
			Source: &[]*string{new("aws.ses")},
			Detail: &map[string]any{"mail": map[string]any{"tags": map[string]any{
				"ses:configuration-set": []*string{d.mail.configuration.ConfigurationSetName()},
			}}},
		},
		Targets: &[]awsevents.IRuleTarget{
			awseventstargets.NewLambdaFunction(lambda, &awseventstargets.LambdaFunctionProps{DeadLetterQueue: queue}),
		},
	})
}

// publish makes SES report the fate of every mail to EventBridge.
func (m mail) publish(stack awscdk.Stack) {
	awsses.NewConfigurationSetEventDestination(stack, new("MailEvents"), &awsses.ConfigurationSetEventDestinationProps{
		ConfigurationSet: m.configuration,
		Destination:      awsses.EventDestination_EventBus(awsevents.EventBus_FromEventBusName(stack, new("DefaultBus"), new("default"))),
		Events: &[]awsses.EmailSendingEvent{
			awsses.EmailSendingEvent_SEND, awsses.EmailSendingEvent_DELIVERY, awsses.EmailSendingEvent_BOUNCE,
			awsses.EmailSendingEvent_COMPLAINT, awsses.EmailSendingEvent_REJECT,
		},
	})
}

// deadLetters keeps what a function could not handle as long as SQS can: 14 days.
func deadLetters(stack awscdk.Stack, d data, f function.Function) awssqs.Queue {
	queue := awssqs.NewQueue(stack, new(logicalID(f.Name)+"DeadLetters"), &awssqs.QueueProps{
		Encryption:      awssqs.QueueEncryption_SQS_MANAGED,
		EnforceSSL:      new(true),
		RetentionPeriod: awscdk.Duration_Days(new(14.0)),
		RemovalPolicy:   awscdk.RemovalPolicy_RETAIN,
	})
	d.alarms.onDeadLetters(stack, f, queue)
	return queue
}

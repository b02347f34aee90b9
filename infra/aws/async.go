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
		case function.Stream:
			onStream(stack, d, f, fs.add(f))
		case function.Schedule:
			onSchedule(stack, d, f, fs.add(f))
		case function.Operator:
			output(stack, logicalID(f.Name)+"Function", fs.add(f).FunctionName(), "Function "+f.Name+", which an operator invokes")
		case function.MailEvents:
			onMailEvents(stack, d, f, fs.add(f))
		}
	}
}

// onStream feeds records of the table's stream to a function. What it fails at,
// again and again, goes to a dead-letter queue, as the position in the stream.
func onStream(stack awscdk.Stack, d data, f function.Function, lambda awslambda.Function) {
	// The actions that Lambda's poller takes with the function's role.
	lambda.AddToRolePolicy(allow([]string{
		"dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator", "dynamodb:ListStreams",
	}, *d.table.TableStreamArn()))
	var filters []*map[string]any
	for _, r := range f.Feed.Records {
		filters = append(filters, awslambda.FilterCriteria_Filter(new(pattern(r))))
	}
	awslambda.NewEventSourceMapping(stack, new(logicalID(f.Name)+"Stream"), &awslambda.EventSourceMappingProps{
		Target:                  lambda,
		EventSourceArn:          d.table.TableStreamArn(),
		Filters:                 &filters,
		StartingPosition:        awslambda.StartingPosition_TRIM_HORIZON,
		BatchSize:               new(float64(f.Feed.Batch)),
		MaxBatchingWindow:       duration(f.Feed.Window),
		ParallelizationFactor:   new(float64(max(f.Feed.Parallel, 1))),
		BisectBatchOnError:      new(true),
		ReportBatchItemFailures: new(true),
		RetryAttempts:           new(float64(f.Feed.Retries)),
		MaxRecordAge:            duration(f.Feed.MaxAge),
		OnFailure:               awslambdaeventsources.NewSqsDlq(deadLetters(stack, d, f)),
	})
	d.alarms.onLag(stack, f, lambda)
}

// pattern is the filter of a mapping that picks these records.
func pattern(r function.Records) map[string]any {
	keys := map[string]any{}
	for name, prefix := range map[string]string{"pk": r.PK, "sk": r.SK} {
		if prefix != "" {
			keys[name] = map[string]any{"S": awslambda.FilterRule_BeginsWith(&prefix)}
		}
	}
	pattern := map[string]any{"dynamodb": map[string]any{"Keys": keys}}
	if r.New {
		pattern["eventName"] = awslambda.FilterRule_IsEqual(new("INSERT"))
	}
	return pattern
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

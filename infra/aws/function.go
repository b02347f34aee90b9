package main

import (
	"maps"
	"path/filepath"
	"strings"
	"time"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslogs"

	"roster/internal/envelope/kmskey"
	"roster/internal/file/s3file"
	"roster/internal/function"
)

const logRetention = awslogs.RetentionDays_THREE_MONTHS

// functions makes the Lambdas of one stack.
type functions struct {
	stack     awscdk.Stack
	settings  settings
	data      data
	publicURL *string
	dist      string
}

func (fs functions) add(f function.Function) awslambda.Function {
	id := logicalID(f.Name)
	logs := awslogs.NewLogGroup(fs.stack, new(id+"Logs"), &awslogs.LogGroupProps{Retention: logRetention})
	role := awsiam.NewRole(fs.stack, new(id+"Role"), &awsiam.RoleProps{
		AssumedBy: awsiam.NewServicePrincipal(new("lambda.amazonaws.com"), nil),
	})
	for _, statement := range permissions(f, fs.data, logs) {
		role.AddToPrincipalPolicy(statement)
	}
	lambda := awslambda.NewFunction(fs.stack, &id, &awslambda.FunctionProps{
		Description:   new("Roster: " + f.Name),
		Runtime:       awslambda.Runtime_PROVIDED_AL2023(),
		Architecture:  awslambda.Architecture_ARM_64(),
		Handler:       new("bootstrap"),
		Code:          awslambda.Code_FromAsset(new(filepath.Join(fs.dist, f.Name)), nil),
		MemorySize:    new(float64(f.Memory)),
		Timeout:       duration(timeout(f)),
		Environment:   fs.environment(f),
		Role:          role,
		LogGroup:      logs,
		LoggingFormat: awslambda.LoggingFormat_JSON,
	})
	fs.data.alarms.onErrors(fs.stack, f, lambda)
	return lambda
}

// timeout stays below what waits for the function: API Gateway gives up after 30
// seconds, and the next scheduled run is due an interval later. Lambda ends every
// invocation after 15 minutes.
func timeout(f function.Function) time.Duration {
	if f.Longest > 0 {
		return f.Longest
	}
	switch f.Trigger {
	case function.HTTP:
		return 29 * time.Second
	case function.Schedule:
		return min(f.Interval, 15*time.Minute)
	case function.Operator:
		return 15 * time.Minute
	default:
		return time.Minute
	}
}

func (fs functions) environment(f function.Function) *map[string]*string {
	signup := "closed"
	if fs.settings.OpenSignUp {
		signup = "open"
	}
	env := map[string]*string{
		"ROSTER_TABLE":      fs.data.table.TableName(),
		"ROSTER_SECRET_ARN": fs.data.secret.SecretArn(),
		"ROSTER_PUBLIC_URL": fs.publicURL,
		"ROSTER_SIGNUP":     &signup,
	}
	if f.SetsUp {
		env["ROSTER_SETUP_ARN"] = fs.data.setup.SecretArn()
	}
	if f.Seals {
		env[kmskey.Variable] = fs.data.credentials.KeyArn()
	}
	if f.WritesFiles || f.ReadsFiles {
		env[s3file.Variable] = fs.data.files.BucketName()
	}
	if f.SendsMail {
		maps.Copy(env, map[string]*string{
			"ROSTER_MAIL_FROM":              fs.data.mail.from,
			"ROSTER_MAIL_CONFIGURATION_SET": fs.data.mail.configuration.ConfigurationSetName(),
		})
	}
	return &env
}

// logicalID turns "sweep-outbox" into "SweepOutbox".
func logicalID(name string) string {
	var id strings.Builder
	for word := range strings.SplitSeq(name, "-") {
		id.WriteString(strings.ToUpper(word[:1]) + word[1:])
	}
	return id.String()
}

func duration(d time.Duration) awscdk.Duration { return awscdk.Duration_Seconds(new(d.Seconds())) }

package main

import (
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslogs"

	"roster/internal/function"
	"roster/internal/table"
)

// permissions are all that a function may do by itself. What its trigger needs is
// added with the trigger.
func permissions(f function.Function, d data, logs awslogs.LogGroup) []awsiam.PolicyStatement {
	all := []awsiam.PolicyStatement{
		allow([]string{"logs:CreateLogStream", "logs:PutLogEvents"}, *logs.LogGroupArn()),
	}
	if !f.NoTable {
		all = append(all, readTable(d)...)
		all = append(all, allow([]string{"secretsmanager:GetSecretValue"}, *d.secret.SecretArn()), useKey(d))
	}
	if !f.NoTable && !f.ReadsOnly {
		all = append(all, allow([]string{
			"dynamodb:PutItem", "dynamodb:UpdateItem", "dynamodb:DeleteItem", "dynamodb:ConditionCheckItem",
		}, *d.table.TableArn()))
	}
	if f.Places {
		all = append(all, allow([]string{"dynamodb:BatchWriteItem"}, *d.table.TableArn()))
	}
	if f.SetsUp {
		all = append(all, allow([]string{"secretsmanager:GetSecretValue"}, *d.setup.SecretArn()))
	}
	if f.Seals {
		all = append(all, sealCredentials(d))
	}
	if f.WritesFiles {
		all = append(all, allow([]string{"s3:PutObject"}, *d.files.BucketArn()+"/*"))
	}
	if f.ReadsFiles {
		all = append(all, allow([]string{"s3:GetObject"}, *d.files.BucketArn()+"/*"))
	}
	if f.SendsMail {
		all = append(all, sendMail(d))
	}
	return all
}

func readTable(d data) []awsiam.PolicyStatement {
	indexes := make([]string, len(table.Indexes))
	for i, index := range table.Indexes {
		indexes[i] = *d.table.TableArn() + "/index/" + index.Name
	}
	return []awsiam.PolicyStatement{
		allow([]string{"dynamodb:GetItem", "dynamodb:BatchGetItem", "dynamodb:Query"}, *d.table.TableArn()),
		allow([]string{"dynamodb:Query"}, indexes...),
	}
}

// useKey admits what DynamoDB and Secrets Manager do with the key on behalf of
// the caller, and nothing that the caller does with it directly.
func useKey(d data) awsiam.PolicyStatement {
	statement := allow([]string{
		"kms:DescribeKey", "kms:Decrypt", "kms:Encrypt", "kms:GenerateDataKey", "kms:ReEncryptFrom", "kms:ReEncryptTo",
	}, *d.key.KeyArn())
	statement.AddCondition(new("StringEquals"), map[string]any{"kms:ViaService": []string{
		"dynamodb." + *d.Region() + ".amazonaws.com",
		"secretsmanager." + *d.Region() + ".amazonaws.com",
	}})
	return statement
}

// sealCredentials admits making a data key for one connection, and not opening any.
func sealCredentials(d data) awsiam.PolicyStatement {
	statement := allow([]string{"kms:GenerateDataKey"}, *d.credentials.KeyArn())
	statement.AddCondition(new("Null"), map[string]any{"kms:EncryptionContext:connection": "false"})
	return statement
}

// sendMail admits sending from the deployment's address only, through its
// configuration set. The identity is left open because SES, in its sandbox, also
// checks the recipient's.
func sendMail(d data) awsiam.PolicyStatement {
	prefix := "arn:" + *d.Partition() + ":ses:" + *d.Region() + ":" + *d.Account() + ":"
	statement := allow([]string{"ses:SendEmail"},
		prefix+"identity/*", prefix+"configuration-set/"+*d.mail.configuration.ConfigurationSetName())
	statement.AddCondition(new("StringEquals"), map[string]any{"ses:FromAddress": d.mail.fromAddress})
	return statement
}

func allow(actions []string, resources ...string) awsiam.PolicyStatement {
	return awsiam.NewPolicyStatement(&awsiam.PolicyStatementProps{
		Actions: pointers(actions), Resources: pointers(resources),
	})
}

func pointers(values []string) *[]*string {
	all := make([]*string, len(values))
	for i := range values {
		all[i] = &values[i]
	}
	return &all
}

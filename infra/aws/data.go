package main

import (
	"strings"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsdynamodb"
	"github.com/aws/aws-cdk-go/awscdk/v2/awskms"
	"github.com/aws/aws-cdk-go/awscdk/v2/awss3"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssecretsmanager"

	"roster/internal/file"
	"roster/internal/table"
)

// data is the stack of what must outlive every change of code.
type data struct {
	awscdk.Stack
	key awskms.Key
	// credentials encrypts the data keys of providers' credentials.
	credentials awskms.Key
	table       awsdynamodb.TableV2
	secret      awssecretsmanager.Secret
	setup       awssecretsmanager.Secret
	files       awss3.Bucket
	mail        mail
	alarms      alarms
}

func newData(app awscdk.App, s settings) data {
	stack := awscdk.NewStack(app, new(s.Name+"-Data"), &awscdk.StackProps{
		Description:           new("Roster: table, secrets, mail identity"),
		TerminationProtection: new(true),
	})
	d := data{Stack: stack, key: newKey(stack, s)}
	d.credentials = newCredentialsKey(stack, s)
	d.table = newTable(stack, d.key)
	d.secret = newSecret(stack, "Secret", "Roster: what its keys are derived from", 64, d.key)
	d.setup = newSecret(stack, "SetupToken", "Roster: makes its bearer the first platform administrator", 43, d.key)
	d.files = newFiles(stack)
	d.mail = newMail(stack, s)
	d.alarms = newAlarms(stack, s)
	d.alarms.onThrottling(stack, d.table)

	output(stack, "TableName", d.table.TableName(), "The table")
	output(stack, "SetupTokenCommand", new("aws secretsmanager get-secret-value --secret-id "+*d.setup.SecretArn()+
		" --query SecretString --output text"), "Prints the token with which the first platform administrator signs up")
	return d
}

// newKey makes the key that encrypts table and secrets. It is the customer's, not
// AWS's own, so that its use shows in CloudTrail, it can be disabled, and backups
// can be copied into another account.
func newKey(stack awscdk.Stack, s settings) awskms.Key {
	return awskms.NewKey(stack, new("Key"), &awskms.KeyProps{
		Description:       new("Roster: table and secrets"),
		Alias:             new("alias/" + strings.ToLower(s.Name)),
		EnableKeyRotation: new(true),
		RemovalPolicy:     awscdk.RemovalPolicy_RETAIN,
	})
}

// newCredentialsKey makes the key of providers' credentials. It is another than the
// table's, so that who may read the table may still not read a credential.
func newCredentialsKey(stack awscdk.Stack, s settings) awskms.Key {
	key := awskms.NewKey(stack, new("CredentialsKey"), &awskms.KeyProps{
		Description:       new("Roster: providers' credentials"),
		Alias:             new("alias/" + strings.ToLower(s.Name) + "-credentials"),
		EnableKeyRotation: new(true),
		RemovalPolicy:     awscdk.RemovalPolicy_RETAIN,
	})
	output(stack, "CredentialsKeyArn", key.KeyArn(), "The key that a gateway needs kms:Decrypt on to open credentials")
	return key
}

func newTable(stack awscdk.Stack, key awskms.Key) awsdynamodb.TableV2 {
	var indexes []*awsdynamodb.GlobalSecondaryIndexPropsV2
	for _, index := range table.Indexes {
		attributes := make([]*string, len(index.Include))
		for i := range index.Include {
			attributes[i] = &index.Include[i]
		}
		indexes = append(indexes, &awsdynamodb.GlobalSecondaryIndexPropsV2{
			IndexName:        &index.Name,
			PartitionKey:     attribute(index.Name + "_pk"),
			SortKey:          attribute(index.Name + "_sk"),
			ProjectionType:   awsdynamodb.ProjectionType_INCLUDE,
			NonKeyAttributes: &attributes,
		})
	}
	t := awsdynamodb.NewTableV2(stack, new("Table"), &awsdynamodb.TablePropsV2{
		PartitionKey:           attribute("pk"),
		SortKey:                attribute("sk"),
		GlobalSecondaryIndexes: &indexes,
		Billing:                awsdynamodb.Billing_OnDemand(nil),
		DynamoStream:           awsdynamodb.StreamViewType_NEW_AND_OLD_IMAGES,
		TimeToLiveAttribute:    new(table.TTL),
		PointInTimeRecoverySpecification: &awsdynamodb.PointInTimeRecoverySpecification{
			PointInTimeRecoveryEnabled: new(true),
		},
		ContributorInsightsSpecification: &awsdynamodb.ContributorInsightsSpecification{
			Enabled: new(true), Mode: awsdynamodb.ContributorInsightsMode_THROTTLED_KEYS,
		},
		DeletionProtection: new(true),
		RemovalPolicy:      awscdk.RemovalPolicy_RETAIN,
	})
	// TableV2 takes a key of the customer's only in stacks of a fixed Region, which
	// could not be synthesized without credentials.
	resource := t.Node().DefaultChild().(awsdynamodb.CfnGlobalTable)
	resource.AddPropertyOverride(new("SSESpecification"), map[string]any{"SSEEnabled": true, "SSEType": "KMS"})
	resource.AddPropertyOverride(new("Replicas.0.SSESpecification"), map[string]any{"KMSMasterKeyId": key.KeyArn()})
	return t
}

// newFiles makes the bucket of files that are too large for an answer. They are copies of
// what the table has, and are deleted after file.KeptFor; those that were not finished,
// after a day.
func newFiles(stack awscdk.Stack) awss3.Bucket {
	return awss3.NewBucket(stack, new("Files"), &awss3.BucketProps{
		Encryption:        awss3.BucketEncryption_S3_MANAGED,
		BlockPublicAccess: awss3.BlockPublicAccess_BLOCK_ALL(),
		ObjectOwnership:   awss3.ObjectOwnership_BUCKET_OWNER_ENFORCED,
		EnforceSSL:        new(true),
		LifecycleRules: &[]*awss3.LifecycleRule{{
			Expiration: duration(file.KeptFor), AbortIncompleteMultipartUploadAfter: awscdk.Duration_Days(new(1.0)),
		}},
		RemovalPolicy: awscdk.RemovalPolicy_RETAIN,
	})
}

func attribute(name string) *awsdynamodb.Attribute {
	return &awsdynamodb.Attribute{Name: &name, Type: awsdynamodb.AttributeType_STRING}
}

// newSecret makes a secret of letters and digits, 5.95 bits each, that exists
// nowhere but in Secrets Manager. A change of the generator's properties makes
// CloudFormation generate a new value.
func newSecret(stack awscdk.Stack, id, description string, length float64, key awskms.Key) awssecretsmanager.Secret {
	return awssecretsmanager.NewSecret(stack, &id, &awssecretsmanager.SecretProps{
		Description:   &description,
		EncryptionKey: key,
		RemovalPolicy: awscdk.RemovalPolicy_RETAIN,
		GenerateSecretString: &awssecretsmanager.SecretStringGenerator{
			PasswordLength: &length, ExcludePunctuation: new(true),
		},
	})
}

func output(stack awscdk.Stack, id string, value *string, description string) {
	awscdk.NewCfnOutput(stack, &id, &awscdk.CfnOutputProps{Value: value, Description: &description})
}

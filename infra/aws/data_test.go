package main

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"roster/internal/file"
	"roster/internal/table"
)

func TestTableOutlivesMistakes(t *testing.T) {
	t.Parallel()
	r := plain.data.only(t, "AWS::DynamoDB::GlobalTable")
	if r.DeletionPolicy != "Retain" || r.UpdateReplacePolicy != "Retain" {
		t.Errorf("the table is kept: on deletion %q, on replacement %q; want Retain", r.DeletionPolicy, r.UpdateReplacePolicy)
	}
	replica := at(r.Properties, "Replicas", 0)
	for _, path := range [][]any{
		{"DeletionProtectionEnabled"}, {"PointInTimeRecoverySpecification", "PointInTimeRecoveryEnabled"},
	} {
		if at(replica, path...) != true {
			t.Errorf("%v is not true", path)
		}
	}
	want := map[string]any{
		"BillingMode":             "PAY_PER_REQUEST",
		"StreamSpecification":     map[string]any{"StreamViewType": "NEW_AND_OLD_IMAGES"},
		"TimeToLiveSpecification": map[string]any{"AttributeName": table.TTL, "Enabled": true},
		"KeySchema":               keySchema("pk", "sk"),
		"SSESpecification":        map[string]any{"SSEEnabled": true, "SSEType": "KMS"},
	}
	for property, value := range want {
		if diff := cmp.Diff(value, r.Properties[property]); diff != "" {
			t.Errorf("%s (-want +got):\n%s", property, diff)
		}
	}
}

func TestTableHasTheIndexesOfTheCode(t *testing.T) {
	t.Parallel()
	var want []any
	for _, index := range table.Indexes {
		attributes := make([]any, len(index.Include))
		for i, name := range index.Include {
			attributes[i] = name
		}
		want = append(want, map[string]any{
			"IndexName":  index.Name,
			"KeySchema":  keySchema(index.Name+"_pk", index.Name+"_sk"),
			"Projection": map[string]any{"ProjectionType": "INCLUDE", "NonKeyAttributes": attributes},
		})
	}
	got := plain.data.only(t, "AWS::DynamoDB::GlobalTable").Properties["GlobalSecondaryIndexes"]
	if diff := cmp.Diff(any(want), got); diff != "" {
		t.Errorf("indexes (-want +got):\n%s", diff)
	}
}

func keySchema(pk, sk string) any {
	return []any{
		map[string]any{"AttributeName": pk, "KeyType": "HASH"},
		map[string]any{"AttributeName": sk, "KeyType": "RANGE"},
	}
}

func TestKeyEncryptsTableAndSecrets(t *testing.T) {
	t.Parallel()
	for id, key := range plain.data.of("AWS::KMS::Key") {
		if key.Properties["EnableKeyRotation"] != true || key.DeletionPolicy != "Retain" {
			t.Errorf("%s: rotation %v, on deletion %q; want true, Retain", id, key.Properties["EnableKeyRotation"], key.DeletionPolicy)
		}
	}
	r := plain.data.only(t, "AWS::DynamoDB::GlobalTable")
	used := []any{at(r.Properties, "Replicas", 0, "SSESpecification", "KMSMasterKeyId")}
	for _, secret := range plain.data.of("AWS::SecretsManager::Secret") {
		used = append(used, secret.Properties["KmsKeyId"])
	}
	for _, reference := range used {
		if id, _ := at(reference, "Fn::GetAtt", 0).(string); plain.data.Resources[id].Type != "AWS::KMS::Key" || strings.HasPrefix(id, "Credentials") {
			t.Errorf("encrypted with %v, want the stack's key", reference)
		}
	}
}

func TestSecretsAreGeneratedAndKept(t *testing.T) {
	t.Parallel()
	var lengths []float64
	for id, secret := range plain.data.of("AWS::SecretsManager::Secret") {
		if secret.DeletionPolicy != "Retain" {
			t.Errorf("%s: on deletion %q, want Retain", id, secret.DeletionPolicy)
		}
		generator := at(secret.Properties, "GenerateSecretString")
		if at(generator, "ExcludePunctuation") != true {
			t.Errorf("%s may hold characters that are special in URLs and shells", id)
		}
		length, _ := at(generator, "PasswordLength").(float64)
		lengths = append(lengths, length)
	}
	slices.Sort(lengths)
	if !slices.Equal(lengths, []float64{43, 64}) {
		t.Errorf("lengths of the secrets: %v, want 43 and 64", lengths)
	}
}

func TestOperatorIsToldWhatToDo(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		stack  template
		output string
		want   string
	}{
		{plain.data, "TableName", "Table"},
		{plain.data, "SetupTokenCommand", "aws secretsmanager get-secret-value"},
		{plain.data, "MailIdentityCommand", "aws sesv2 create-email-identity"},
		{custom.data, "MailIdentityCommand", "aws sesv2 get-email-identity --email-identity mail.acme.example"},
		{custom.data, "MailDomainRecord3", "DkimDNSTokenName3"},
		{plain.api, "PublicUrl", "ApiEndpoint"},
		{custom.api, "PublicUrl", "https://roster.acme.example"},
		{custom.api, "DomainTarget", "RegionalDomainName"},
	} {
		if got := text(tt.stack.Outputs[tt.output].Value); !strings.Contains(got, tt.want) {
			t.Errorf("output %s is %s, want it to hold %q", tt.output, got, tt.want)
		}
	}
}

// TestFilesAreNobodysAndExpire: nothing of the bucket is public, and nothing stays.
func TestFilesAreNobodysAndExpire(t *testing.T) {
	t.Parallel()
	r := plain.data.only(t, "AWS::S3::Bucket")
	for _, block := range []string{"BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets"} {
		if at(r.Properties, "PublicAccessBlockConfiguration", block) != true {
			t.Errorf("%s is not true", block)
		}
	}
	rule := at(r.Properties, "LifecycleConfiguration", "Rules", 0)
	if at(rule, "ExpirationInDays") != file.KeptFor.Hours()/24 || at(rule, "AbortIncompleteMultipartUpload", "DaysAfterInitiation") != 1.0 || at(rule, "Status") != "Enabled" {
		t.Errorf("%s", text(rule))
	}
	if at(r.Properties, "BucketEncryption") == nil || r.DeletionPolicy != "Retain" {
		t.Errorf("%s, %s", text(r.Properties), r.DeletionPolicy)
	}
}

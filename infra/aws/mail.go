package main

import (
	"fmt"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsses"
)

// mail is how the deployment sends mail.
type mail struct {
	// from is the sender as mails show it, fromAddress its bare address.
	from, fromAddress *string
	configuration     awsses.ConfigurationSet
}

func newMail(stack awscdk.Stack, s settings) mail {
	m := mail{from: &s.MailFrom, fromAddress: new(address(s.MailFrom))}
	if s.MailFrom == "" {
		m.from = awscdk.NewCfnParameter(stack, new("MailFrom"), &awscdk.CfnParameterProps{
			Description:           new("Address that mails come from; it or its domain is verified in SES (or set the context mailDomain)"),
			AllowedPattern:        new(`[^@<>\s]+@[^@<>\s]+\.[^@<>\s]+`),
			ConstraintDescription: new("an e-mail address"),
		}).ValueAsString()
		m.fromAddress = m.from
	}
	// Links in mails are credentials, so mails travel encrypted or not at all.
	// Opens and clicks are not tracked: that needs events of their own.
	m.configuration = awsses.NewConfigurationSet(stack, new("Mail"), &awsses.ConfigurationSetProps{
		SuppressionReasons: awsses.SuppressionReasons_BOUNCES_AND_COMPLAINTS,
		ReputationMetrics:  new(true),
		TlsPolicy:          awsses.ConfigurationSetTlsPolicy_REQUIRE,
	})
	if s.MailDomain == "" {
		output(stack, "MailIdentityCommand", new("aws sesv2 create-email-identity --email-identity "+*m.fromAddress),
			"Registers the sender with SES, which mails it a link; not needed if SES knows its domain")
		return m
	}
	domain := awsses.NewEmailIdentity(stack, new("MailDomain"), &awsses.EmailIdentityProps{
		Identity: awsses.Identity_Domain(&s.MailDomain),
	})
	for i, record := range *domain.DkimRecords() {
		output(stack, fmt.Sprint("MailDomainRecord", i+1), new(*record.Name+" CNAME "+*record.Value),
			"DNS record that proves the mail domain to SES (DKIM)")
	}
	output(stack, "MailIdentityCommand", new("aws sesv2 get-email-identity --email-identity "+s.MailDomain+
		" --query VerificationStatus --output text"), "Prints SUCCESS once SES has found the records")
	return m
}

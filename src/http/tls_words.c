/* Why TLS failed, in sentences. */
#include <bearssl.h>

#include "http/tls.h"

#define DOING "speak TLS"

/* Alerts (RFC 5246, 7.2.2) that tell a user something. */
enum {
	ALERT_HANDSHAKE_FAILURE = 40,
	ALERT_BAD_CERTIFICATE = 42,
	ALERT_UNSUPPORTED_CERTIFICATE = 43,
	ALERT_CERTIFICATE_REVOKED = 44,
	ALERT_CERTIFICATE_EXPIRED = 45,
	ALERT_CERTIFICATE_UNKNOWN = 46,
	ALERT_UNKNOWN_CA = 48,
	ALERT_ACCESS_DENIED = 49,
	ALERT_PROTOCOL_VERSION = 70,
	ALERT_INSUFFICIENT_SECURITY = 71,
	ALERT_INTERNAL_ERROR = 80,
	ALERT_UNRECOGNIZED_NAME = 112,
	ALERT_CERTIFICATE_REQUIRED = 116,
};

static int explain_alert(unsigned alert, struct err *e)
{
	switch (alert) {
	case ALERT_PROTOCOL_VERSION:
		err_set(e, ERR_STATE, DOING, "the server does not speak TLS 1.2");
		err_hint(e, "a server for TLS 1.3 alone must also allow 1.2; one for 1.1 or older "
			    "is not safe");
		return -1;
	case ALERT_HANDSHAKE_FAILURE:
	case ALERT_INSUFFICIENT_SECURITY:
		err_set(e, ERR_STATE, DOING,
			"the server has refused the handshake (alert %u): it has only TLS 1.1 or "
			"older, or no cipher suite or curve in common, or demands a client "
			"certificate",
			alert);
		err_hint(e, "it must allow TLS 1.2 with ECDHE and AES-GCM or ChaCha20 without "
			    "Extended Master Secret (which FIPS 140-3 demands)");
		return -1;
	case ALERT_BAD_CERTIFICATE:
	case ALERT_UNSUPPORTED_CERTIFICATE:
	case ALERT_CERTIFICATE_REVOKED:
	case ALERT_CERTIFICATE_EXPIRED:
	case ALERT_CERTIFICATE_UNKNOWN:
	case ALERT_UNKNOWN_CA:
	case ALERT_ACCESS_DENIED:
	case ALERT_CERTIFICATE_REQUIRED:
		return err_set(e, ERR_STATE, DOING,
			       "the server does not accept the client certificate, or wants one "
			       "(alert %u)",
			       alert);
	case ALERT_UNRECOGNIZED_NAME:
		return err_set(e, ERR_STATE, DOING, "the server does not know itself by this name");
	case ALERT_INTERNAL_ERROR:
		return err_set(e, ERR_TRY_AGAIN, DOING, "the server reports a fault of its own");
	default:
		return err_set(e, ERR_STATE, DOING, "the server has ended it with alert %u", alert);
	}
}

static const char *reason_text(unsigned reason)
{
	switch (reason) {
	case BR_ERR_UNSUPPORTED_VERSION:
	case BR_ERR_BAD_VERSION:
		return "the server wants another version than TLS 1.2, or does not speak TLS at all: it "
		       "may speak plain HTTP";
	case BR_ERR_UNKNOWN_TYPE:
		return "what the server sends is not TLS: it may speak plain HTTP";
	case BR_ERR_BAD_LENGTH:
	case BR_ERR_TOO_LARGE:
		return "the server has sent a record that is longer than TLS allows, or does not "
		       "speak TLS";
	case BR_ERR_BAD_MAC:
		return "what the server has sent was changed on its way";
	case BR_ERR_NO_RANDOM:
		return "there are no random bytes";
	case BR_ERR_BAD_CIPHER_SUITE:
		return "the server has chosen a cipher suite that was not offered";
	case BR_ERR_INVALID_ALGORITHM:
		return "the server has chosen a curve or kind of signature that was not offered";
	case BR_ERR_BAD_SIGNATURE:
		return "the server has not signed its key exchange by the key of its certificate";
	case BR_ERR_WRONG_KEY_USAGE:
		return "the server's certificate must not be used for signing (keyUsage)";
	case BR_ERR_NO_CLIENT_AUTH:
		return "the server accepts no signature that the client certificate's key can make";
	case BR_ERR_BAD_FINISHED:
		return "the handshake was changed on its way";
	default:
		return "the server does not keep to the protocol";
	}
}

int tls_explain(unsigned reason, struct err *e)
{
	if (reason >= BR_ERR_SEND_FATAL_ALERT)
		return err_set(e, ERR_STATE, DOING,
			       "the server does not keep to the protocol (alert %u was sent)",
			       reason - BR_ERR_SEND_FATAL_ALERT);
	if (reason >= BR_ERR_RECV_FATAL_ALERT)
		return explain_alert(reason - BR_ERR_RECV_FATAL_ALERT, e);
	return err_set(e, ERR_STATE, DOING, "%s (reason %u)", reason_text(reason), reason);
}

"""Says what a server's refusal or silence means: the user's error, or one that asking again may solve."""

from __future__ import annotations

import re
import ssl

from modelyard_runtime.pod.errors import Retriable, UserError
from modelyard_runtime.tables.sources.keys import FIELD, Keys

URI = "spec.source.uri"
_DENIED = re.compile(
    r"ACCESS_DENIED|SIGNATURE_DOES_NOT_MATCH|INVALID_ACCESS_KEY|INVALID_CLIENT_TOKEN|EXPIRED_TOKEN|ExpiredToken|"
    r"InvalidAccessKeyId|AuthorizationFailure|AuthenticationFailed|PERMISSION_DENIED|UNAUTHENTICATED|"
    r"HTTP (?:status code: )?40[13]\b|\b40[13] (?:Forbidden|Unauthorized)|AuthorizationPermissionMismatch|"
    r"NoAuthenticationInformation|Could not create a OAuth2 access token|INVALID_ARGUMENT.{0,200}credential"
)
_NOT_THERE = re.compile(
    r"NO_SUCH_BUCKET|NO_SUCH_KEY|NoSuchBucket|NoSuchKey|RESOURCE_NOT_FOUND|NOT_FOUND|Path does not exist|BlobNotFound|"
    r"ContainerNotFound|HTTP (?:status code: )?404\b|does not exist|No such file or directory"
)
_ELSEWHERE = re.compile(
    r"PermanentRedirect|AuthorizationHeaderMalformed|HTTP response code 301|region .* is wrong", re.I
)
_CERTIFICATE = re.compile(r"curlCode: (?:60|77)|certificate|CERTIFICATE_VERIFY_FAILED|self.signed", re.IGNORECASE)


def not_there(address: str, hint: str = "") -> UserError:
    message = f"there is nothing at {address}{hint}; put it there, or correct the address"
    return UserError("SourceNotFound", message, URI)


def denied(address: str, keys: Keys, wanted: str, said: str = "") -> UserError:
    """Returns that a server lets us not read; ``wanted`` are the keys that it may want."""
    have = "the Secret's keys" if keys else "no credentials"
    message = (
        f"{address} may not be read with {have}{f' ({said})' if said else ''}; let them list and read it, or name a "
        f"Secret with {wanted} in secretRef"
    )
    return UserError("SourceDenied", message, FIELD)


def not_trusted(address: str, said: str) -> UserError:
    message = (
        f"the certificate of {address} is not trusted ({said}); add the certificate of who signed it to the Secret, as "
        "the key ca.crt, or correct the address"
    )
    return UserError("CertificateNotTrusted", message, FIELD)


def unreachable(address: str, said: str) -> Retriable:
    message = (
        f"{URI}: {address} can't be read now: {said}; it is asked again. See that it runs, and correct the address"
    )
    return Retriable("SourceUnreachable", message)


def of_store(error: Exception, address: str, keys: Keys, wanted: str) -> UserError | Retriable:
    """Returns what an error of an object store's client means."""
    said = keys.hidden(" ".join(str(error).split()))[:400]
    if _CERTIFICATE.search(said):
        return not_trusted(address, said)
    if _DENIED.search(said):
        return denied(address, keys, wanted, said)
    if _ELSEWHERE.search(said):
        message = f"{address} is in another region ({said}); write it into the Secret as the key region"
        return UserError("SourceNotFound", message, FIELD)
    if isinstance(error, FileNotFoundError) or _NOT_THERE.search(said):
        return not_there(address, f" ({said})")
    return unreachable(address, said)


def certificate(error: BaseException | None) -> str | None:
    """Returns what is wrong with a server's certificate, if that is among the causes of an error, or None."""
    while error is not None:
        for one in (getattr(error, "certificate_error", None), error):
            if isinstance(one, ssl.SSLCertVerificationError):
                return str(getattr(one, "verify_message", "") or one)[:200]
        error = error.__cause__ or getattr(error, "os_error", None)
    return None

"""Where the certificates of tracking hosts are: as configured, else as an authority has issued them."""

from pathlib import Path

from angarium.access.certificates import check_files
from angarium.access.host_certificates import CertificateFiles
from angarium.access.tls_file import TlsFileError
from angarium.config.schema import Config
from angarium.issuance.store import IssuanceStore


class HostFiles:
    def __init__(self, config: Config) -> None:
        """Raises TlsFileError: one that is configured cannot be used."""
        self._issued = IssuanceStore(Path(config.server.data_dir))
        self._given: dict[str, CertificateFiles] = {}
        self.exchange(config)

    def exchange(self, config: Config) -> None:
        """Raises TlsFileError; then those of before stay."""
        given: dict[str, CertificateFiles] = {}
        for each in config.tracking_certificate:
            files = CertificateFiles(
                certificate=Path(each.certificate), private_key=Path(each.private_key)
            )
            try:
                check_files(files.certificate, files.private_key)
            except TlsFileError as error:
                name = f"tracking_certificate of {each.host}: {error.file}"
                raise TlsFileError(name, error.problem) from None
            given[each.host] = files
        self._given = given

    def find(self, host: str) -> CertificateFiles | None:
        """None: the host has none of its own. ``host``: a host name."""
        if (given := self._given.get(host)) is not None:
            return given
        path = self._issued.certificate_path(host)
        return CertificateFiles(certificate=path, private_key=path) if path.exists() else None

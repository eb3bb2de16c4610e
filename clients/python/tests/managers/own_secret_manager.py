"""A manager like the one in LiteLLM's documentation, in our own words."""

from typing import Optional, Union

import httpx
from litellm.integrations.custom_secret_manager import CustomSecretManager


class OwnSecretManager(CustomSecretManager):
    def __init__(self):
        super().__init__(secret_manager_name="own")
        self.held = {"OPENAI_API_KEY": "placeholder-openai"}

    async def async_read_secret(
        self,
        secret_name: str,
        optional_params: Optional[dict] = None,
        timeout: Optional[Union[float, httpx.Timeout]] = None,
    ) -> Optional[str]:
        return self.held.get(secret_name)

    def sync_read_secret(
        self,
        secret_name: str,
        optional_params: Optional[dict] = None,
        timeout: Optional[Union[float, httpx.Timeout]] = None,
    ) -> Optional[str]:
        return self.held.get(secret_name)

"""What every page knows of the house it is in."""

from django.http import HttpRequest

from openhotline.settings import load


def house(request: HttpRequest) -> dict[str, object]:
    """Name, phone and kind of the house, and the door the page belongs to."""
    settings = load()
    return {
        "house": {
            "name": settings.hotline_name,
            "domain": settings.hotline_domain,
            "phone": settings.phone,
            "phone_link": settings.phone.replace(" ", ""),
            "demo": settings.is_demo,
            "public_url": settings.public_url,
        },
        "door": settings.door,
    }

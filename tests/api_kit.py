"""What the tests of sources with an API share: a web without a network, and answers of each API's documented shape."""

from __future__ import annotations

import copy

from hypothesis import strategies as st

from deblurbench.errors import FetchError

BY = frozenset({"cc0", "pdm", "by"})


class FakeWeb:
    """Answers from a list, in turn; notes what it is asked."""

    def __init__(self, *answers) -> None:
        self.answers, self.asked = list(answers), []

    def json(self, url):
        self.asked.append(url)
        answer = self.answers.pop(0)
        if isinstance(answer, FetchError):
            raise answer
        return copy.deepcopy(answer)

    def document(self, url):
        raise AssertionError(f"a page is asked for: {url}")


def first(source, answer, query="nature", licences=None):
    """The first listing of a search that is answered so, and its cursor."""
    [search] = source.searches([query], licences or frozenset({"cc0", "pdm", "by", "other"}))
    return source.listing(FakeWeb(answer), search.cursor), search.cursor


OPENVERSE_PHOTO = {
    "id": "4bc43a04-ef46-4544-a0c1-63c63f56e276",
    "title": "Tree Bark Photo",
    "indexed_on": "2020-06-10T00:00:00Z",
    "foreign_landing_url": "https://www.flickr.com/photos/50169152@N06/6981096494",
    "url": "https://live.staticflickr.com/7029/6981096494_4b2f8e8d0b_b.jpg",
    "creator": "Tim Example",
    "creator_url": "https://www.flickr.com/photos/50169152@N06",
    "license": "by",
    "license_version": "2.0",
    "license_url": "https://creativecommons.org/licenses/by/2.0/",
    "provider": "flickr",
    "source": "flickr",
    "category": "photograph",
    "filesize": None,
    "filetype": "jpg",
    "tags": [{"name": "bark", "accuracy": None, "unstable__provider": "flickr"}],
    "attribution": '"Tree Bark Photo" by Tim Example is licensed under CC BY 2.0.',
    "fields_matched": ["title"],
    "mature": False,
    "height": 683,
    "width": 1024,
    "thumbnail": "https://api.openverse.org/v1/images/4bc43a04-ef46-4544-a0c1-63c63f56e276/thumb/",
    "unstable__sensitivity": [],
}


def openverse_answer(*photos, page=1, pages=12):
    return {
        "result_count": 240,
        "page_count": pages,
        "page_size": 20,
        "page": page,
        "results": list(photos),
        "warnings": [{"code": "partially invalid request parameters", "message": "ignored"}],
    }


COMMONS_PAGE = {
    "pageid": 16981,
    "ns": 6,
    "title": "File:Gull portrait ca usa.jpg",
    "index": 1,
    "imagerepository": "local",
    "imageinfo": [
        {
            "size": 1336083,
            "width": 2600,
            "height": 1900,
            "thumburl": "https://upload.wikimedia.org/wikipedia/commons/thumb/9/9a/Gull.jpg/1920px-Gull.jpg",
            "thumbwidth": 1920,
            "thumbheight": 1403,
            "url": "https://upload.wikimedia.org/wikipedia/commons/9/9a/Gull.jpg",
            "descriptionurl": "https://commons.wikimedia.org/wiki/File:Gull_portrait_ca_usa.jpg",
            "descriptionshorturl": "https://commons.wikimedia.org/w/index.php?curid=16981",
            "sha1": "D0F9FE1F3CC8D6E4D4E4B9F0A1B2C3D4E5F60718",
            "mime": "image/jpeg",
            "extmetadata": {
                "Artist": {
                    "value": '<a href="//commons.wikimedia.org/wiki/User:Dschwen" title="User:Dschwen">Dschwen</a>',
                    "source": "commons-desc-page",
                },
                "LicenseShortName": {"value": "CC BY 2.5", "source": "commons-desc-page", "hidden": ""},
                "LicenseUrl": {"value": "https://creativecommons.org/licenses/by/2.5", "source": "commons-desc-page"},
                "Restrictions": {"value": "", "source": "commons-desc-page", "hidden": ""},
            },
        }
    ],
}


def commons_answer(*pages, **more):
    return {"batchcomplete": True, "query": {"pages": list(pages)}} | more


def commons_page(metadata=None, info=None, **page):
    """A file page whose metadata, file or page differ so."""
    made = copy.deepcopy(COMMONS_PAGE) | page
    made["imageinfo"][0].update(info or {})
    made["imageinfo"][0]["extmetadata"].update(metadata or {})
    return made


PEXELS_PHOTO = {
    "id": 2014422,
    "width": 3024,
    "height": 4032,
    "url": "https://www.pexels.com/photo/brown-rocks-during-golden-hour-2014422/",
    "photographer": "Joey Example",
    "photographer_url": "https://www.pexels.com/@joey",
    "photographer_id": 680589,
    "avg_color": "#978E82",
    "src": {
        "original": "https://images.pexels.com/photos/2014422/pexels-photo-2014422.jpeg",
        "large2x": "https://images.pexels.com/photos/2014422/pexels-photo-2014422.jpeg?auto=compress&dpr=2&h=650&w=940",
        "large": "https://images.pexels.com/photos/2014422/pexels-photo-2014422.jpeg?auto=compress&h=650&w=940",
    },
    "liked": False,
    "alt": "Brown Rocks During Golden Hour",
}


def pexels_answer(*photos, **more):
    return {"total_results": 10000, "page": 1, "per_page": 80, "photos": list(photos)} | more


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(st.characters())
    | st.sampled_from(["<b>" * 99, "<![CDATA[", "//x", "http://[", "https://a.example/x", "javascript:1", "\ud800"]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=9), inner, max_size=4),
    max_leaves=8,
)


@st.composite
def damaged(draw, answer):
    """An answer in which one or two values, or lists or objects of them, are something else, or gone."""
    answer = copy.deepcopy(answer)
    for _ in range(draw(st.integers(1, 2))):
        places = list(_places(answer))
        if places:
            holder, key = draw(st.sampled_from(places))
            if draw(st.booleans()):
                holder[key] = draw(JSON)
            else:
                del holder[key]
    return answer


def _places(value):
    for key in list(value) if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ():
        yield value, key
        yield from _places(value[key])

"""Products from CSV files: all or none, errors by line with what to do, the same file twice is the same as once."""

import tracemalloc
from collections.abc import Callable
from io import BytesIO, StringIO
from pathlib import Path

import pytest
from django.contrib.auth.models import Permission, User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import CommandError, call_command
from django.test import Client

from imaging.admin import products
from imaging.models import CatalogueProduct, CatalogueTerm
from imaging.products import COLUMNS, importing, index
from imaging.products.csv_files import FileRefused
from tests.support.accounts import make_user
from tools import synthetic_products

pytestmark = [pytest.mark.django_db, pytest.mark.database]

HEADER = ",".join(COLUMNS)
DESK = "책상,89000,가게,https://shop.example/1,https://shop.example/1.jpg,책상,컴퓨터책상"
LARGE = 8 * 1024 * 1024  # bytes
CHAIR = '"의자, 검정",99000,가게,https://shop.example/2,,의자,'
Import = Callable[..., str]


@pytest.fixture
def run(tmp_path: Path) -> Import:
    """Imports lines, or bytes."""

    def imports(*lines: str, content: bytes = b"", encoding: str = "utf-8") -> str:
        file, output = tmp_path / "products.csv", StringIO()
        file.write_bytes(content or "\n".join(lines).encode())
        call_command("import_products", str(file), "--encoding", encoding, "--no-progress", stdout=output)
        return output.getvalue()

    return imports


def refused(run: Import, *lines: str, **options: str | bytes) -> str:
    """The errors; nothing may be written."""
    with pytest.raises(CommandError) as raised:
        run(*lines, **options)
    assert not CatalogueProduct.objects.exists()
    assert not CatalogueTerm.objects.exists()
    return str(raised.value)


def test_it_imports_and_the_same_again_changes_nothing(run: Import) -> None:
    assert "2 new products, 0 replaced" in run(HEADER, DESK, CHAIR)
    before = list(CatalogueProduct.objects.order_by("purchase_url").values_list("pk", "name", "price", "image_url"))
    terms = CatalogueTerm.objects.count()
    assert [row[1:] for row in before] == [
        ("책상", 89000, "https://shop.example/1.jpg"),
        ("의자, 검정", 99000, ""),
    ]
    assert "0 new products, 2 replaced" in run(HEADER, CHAIR, DESK)
    after = list(CatalogueProduct.objects.order_by("purchase_url").values_list("pk", "name", "price", "image_url"))
    assert (after, CatalogueTerm.objects.count()) == (before, terms)


def test_a_known_url_is_replaced_and_others_stay(run: Import) -> None:
    run(HEADER, DESK, CHAIR)
    assert "0 new products, 1 replaced" in run(
        HEADER, DESK.replace("책상,89000", "램프,5000").replace("컴퓨터책상", "")
    )
    assert sorted(CatalogueProduct.objects.values_list("name", flat=True)) == ["램프", "의자, 검정"]
    assert [product.name for product in index.search("램프", 5)] == ["램프"]


def test_columns_may_have_any_order_and_optional_ones_may_be_missing(run: Import) -> None:
    run(
        "purchase_url, Name ,price,main_category,purchase_place",
        "https://shop.example/1, 책상 ,1,책상,가게",
        "",
        "https://shop.example/2,의자,2,의자,가게",
    )
    assert sorted(CatalogueProduct.objects.values_list("name", flat=True)) == ["의자", "책상"]


def test_a_byte_order_mark_and_line_ends_of_windows_are_fine(run: Import) -> None:
    assert "1 new" in run(content=b"\xef\xbb\xbf" + f"{HEADER}\r\n{DESK}\r\n".encode())


def test_cp949_is_recognized_and_read_if_that_is_said(run: Import) -> None:
    content = f"{HEADER}\n{DESK}\n".encode("cp949")
    said = refused(run, content=content)
    assert "line 2" in said
    assert "encoding cp949" in said
    run(content=content, encoding="cp949")
    assert CatalogueProduct.objects.get().name == "책상"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (f"{HEADER}\n{DESK}\n".encode("utf-16"), "UTF-16"),
        (f"{HEADER}\n{DESK}\n".encode("utf-32"), "UTF-16"),
        (f"{HEADER}\n{DESK}\n".encode("utf-16-le"), "UTF-16"),  # without a byte order mark
        (HEADER.encode() + b"\n\xff\x80", "line 2 can't be decoded"),
        (b"", "lacks columns"),
        (HEADER.replace(",", ";").encode(), "separated by commas"),
        (HEADER.replace("price", "cost").encode(), "'price'"),
        (f"{HEADER},stock".encode(), "'stock'"),
        (f"{HEADER},name".encode(), "twice"),
        (b'"name', "no CSV"),
    ],
)
def test_a_file_that_is_not_of_this_form_is_refused(run: Import, content: bytes, said: str) -> None:
    assert said in refused(run, content=content or b"\n")


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (b"x" * LARGE, "Line 2 has more than"),
        (b'"x\n' + b'","x\n' * (LARGE // 5), "A product has more than"),
    ],
    ids=["one line", "one row of many lines"],
)
def test_a_bomb_takes_no_memory(more: bytes, said: str) -> None:
    file = BytesIO(HEADER.encode() + b"\n" + more)
    tracemalloc.start()
    try:
        with pytest.raises(FileRefused, match=said):
            importing.check(file, "utf-8")
        assert tracemalloc.get_traced_memory()[1] < LARGE // 8
    finally:
        tracemalloc.stop()


def test_each_bad_line_is_named_with_what_to_do(run: Import) -> None:
    said = refused(
        run,
        HEADER,
        DESK,
        DESK.replace("89000", "89,000"),
        CHAIR.replace("99000", "99.5"),
        CHAIR.replace("https://shop.example/2", "javascript:alert(1)"),
        CHAIR.replace("의자, 검정", "의자\n둘째 줄"),
        CHAIR.replace("의자, 검정", " "),
        CHAIR.replace("의자, 검정", "가" * 301),
        CHAIR.replace("99000", "99999999999999"),
        DESK.replace("책상,89000", "책상 2,1"),
    ).splitlines()
    assert "8 lines can't be used, so nothing was written" in said[0]
    found = dict(line.split(": ", 1) for line in said[1:])
    assert "quotation marks" in found["line 3"]
    assert "price: must be a whole number" in found["line 4"]
    assert "purchase_url: must be a URL that begins with https://" in found["line 5"]
    assert "name: must be one line" in found["line 6"]
    assert "name:" in found["line 8"]  # the one before has two lines
    assert "300" in found["line 9"]
    assert "price:" in found["line 10"]
    assert found["line 11"] == "purchase_url: line 2 has the same; leave one of the two out"


def test_a_price_of_thousands_of_digits_is_a_fault(run: Import) -> None:
    said = refused(run, HEADER, DESK.replace("89000", "9" * 5000))  # Python parses up to 4,300
    assert "line 2: price: must be a whole number" in said


def test_an_open_quotation_mark_is_named_by_its_line(run: Import) -> None:
    assert "line 3: is no CSV" in refused(run, HEADER, DESK, '"책상 2,1,가게,https://shop.example/3,,책상,')


def test_only_the_first_faults_are_listed(run: Import) -> None:
    said = refused(run, HEADER, *(f"책상,x,가게,https://shop.example/{number},,책상," for number in range(150)))
    assert said.startswith("150 lines")
    assert len(said.splitlines()) == 102


def test_a_file_that_is_missing_says_so() -> None:
    with pytest.raises(CommandError, match="check its name"):
        call_command("import_products", "/no/such/file.csv")
    with pytest.raises(CommandError, match="Name one file"):
        call_command("import_products")


def test_the_synthetic_products_are_loaded_into_an_empty_catalogue_only() -> None:
    for _ in range(2):
        call_command("import_products", "--synthetic", "--if-empty", "--no-progress", stdout=StringIO())
    assert CatalogueProduct.objects.count() == 240
    assert all("합성" in name for name in CatalogueProduct.objects.values_list("name", flat=True))
    CatalogueProduct.objects.exclude(pk=CatalogueProduct.objects.first().pk).delete()  # type: ignore[union-attr]
    call_command("import_products", "--synthetic", "--if-empty", "--no-progress", stdout=StringIO())
    assert CatalogueProduct.objects.count() == 1


def test_the_synthetic_file_is_the_one_that_its_tool_writes() -> None:
    written = StringIO()
    synthetic_products.write(written, 240)
    shipped = Path(index.__file__).with_name("synthetic_products.csv").read_text("utf-8")
    assert shipped == written.getvalue()


def test_terms_are_written_anew(run: Import) -> None:
    run(HEADER, DESK)
    CatalogueTerm.objects.all().delete()
    assert index.search("desk", 5) == []
    call_command("index_products", "--no-progress", stdout=StringIO())
    assert len(index.search("desk", 5)) == 1


# --- in the admin

PAGE = "/admin/imaging/catalogueproduct/"


@pytest.fixture
def editor(client: Client) -> Client:
    client.force_login(User.objects.create_superuser("editor"))
    return client


def upload(client: Client, *lines: str) -> str:
    file = SimpleUploadedFile("products.csv", "\n".join(lines).encode())
    return client.post(f"{PAGE}import/", {"file": file, "encoding": "utf-8"}, follow=True).content.decode()


def test_the_admin_imports_lists_searches_and_edits(editor: Client) -> None:
    assert "Import products" in editor.get(PAGE).content.decode()
    assert "2 new products, 0 replaced" in upload(editor, HEADER, DESK, CHAIR)
    found = editor.get(PAGE, {"q": "desk"}).content.decode()
    assert "책상" in found
    assert "의자, 검정" not in found
    product = CatalogueProduct.objects.get(name="책상")
    fields = {name: getattr(product, name) for name in COLUMNS}
    editor.post(f"{PAGE}{product.pk}/change/", fields | {"name": "램프", "main_category": "조명", "sub_category": ""})
    assert [found.name for found in index.search("lamp", 5)] == ["램프"]
    assert index.search("desk", 5) == []
    answer = editor.post(f"{PAGE}{product.pk}/change/", fields | {"purchase_url": "javascript:alert(1)"})
    assert "must be a URL that begins with https://" in answer.content.decode()
    editor.post(f"{PAGE}{product.pk}/delete/", {"post": "yes"})
    assert CatalogueProduct.objects.count() == 1


def test_the_admin_shows_errors_by_line(editor: Client) -> None:
    said = upload(editor, HEADER, DESK.replace("89000", "<b>free</b>"))
    assert "line 2: price: must be a whole number" in said
    assert "<b>free" not in said
    assert not CatalogueProduct.objects.exists()


def test_the_admin_takes_files_of_a_page_s_size_only(editor: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(products, "MOST_ROWS", 1)
    assert "manage.py import_products" in upload(editor, HEADER, DESK, CHAIR)
    assert not CatalogueProduct.objects.exists()


def test_who_may_only_look_can_t_import(client: Client) -> None:
    user = make_user("viewer")
    User.objects.filter(pk=user.pk).update(is_staff=True)
    user.user_permissions.add(Permission.objects.get(codename="view_catalogueproduct"))
    client.force_login(user)
    assert client.get(PAGE).status_code == 200
    assert client.get(f"{PAGE}import/").status_code == 403
